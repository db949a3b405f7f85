import { add } from "../../../ops/add.ts";
import { div } from "../../../ops/div.ts";
import { mul } from "../../../ops/mul.ts";
import { normal } from "../../../ops/random.ts";
import { sqrt } from "../../../ops/sqrt.ts";
import { sub } from "../../../ops/sub.ts";
import type { Layer } from "../../layer.ts";
import type { ScalarSource } from "../../scalar.ts";
import { noiseLayer, type NoiseOptions, ratesBelowOne } from "./noise.ts";

/**
 * Multiplies by noise of the normal distribution, of mean 1 and of the variance that dropout of
 * that rate has, in training.
 *
 * y = x · (1 + n · √(rate / (1 − rate))), n of mean 0 and variance 1; in inference y = x. The noise
 * follows from (seed, step, layer name).
 *
 * @param rate Rate of the dropout with the same variance, from 0 to below 1; it may change between
 * steps.
 * @param options Name, seed.
 * @returns A layer without weights.
 * @throws {RangeError} when a constant rate is not from 0 to below 1; the run refuses others as they
 * come.
 *
 * @example
 * ```ts
 * import { gaussianDropout, input, sequential } from "@millrace/millrace";
 * import assert from "node:assert/strict";
 *
 * const model = sequential([input([784]), gaussianDropout(0.3)]);
 * assert.equal(model.layers[0].name, "gaussian_dropout_1");
 * assert.throws(() => gaussianDropout(1), /received 1/);
 * ```
 *
 * Source: N. Srivastava and others, "Dropout", 2014, section 10. Keras: `GaussianDropout`, which
 * takes a rate of 1, too, and gives infinities there.
 */
export function gaussianDropout(rate: ScalarSource, options: NoiseOptions = {}): Layer {
  return noiseLayer(
    {
      type: "GaussianDropout",
      factory: "gaussianDropout",
      amount: "rate",
      range: ratesBelowOne,
      disturb(x, share, key, counter) {
        const width = sqrt(div(share, sub(1, share)));
        return mul(x, add(mul(normal(key, x.shape, counter), width), 1));
      },
    },
    rate,
    options,
  );
}
