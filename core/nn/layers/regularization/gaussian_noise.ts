import { add } from "../../../ops/add.ts";
import { mul } from "../../../ops/mul.ts";
import { normal } from "../../../ops/random.ts";
import type { Layer } from "../../layer.ts";
import type { ScalarSource } from "../../scalar.ts";
import { noiseLayer, type NoiseOptions } from "./noise.ts";

/**
 * Adds noise of the normal distribution, of mean 0, in training.
 *
 * y = x + n · standardDeviation, n of mean 0 and variance 1; in inference y = x. The noise follows
 * from (seed, step, layer name).
 *
 * @param standardDeviation How strong the noise is, at least 0; it may change between steps.
 * @param options Name, seed.
 * @returns A layer without weights.
 * @throws {RangeError} when a constant standard deviation is negative; the run refuses others as
 * they come.
 *
 * @example
 * ```ts
 * import { gaussianNoise, input, sequential } from "@millrace/millrace";
 * import assert from "node:assert/strict";
 *
 * const model = sequential([input([784]), gaussianNoise(0.1)]);
 * assert.deepEqual(model.outputShape, [784]);
 * assert.throws(() => gaussianNoise(-1), /of at least 0: received -1/);
 * ```
 *
 * Keras: `GaussianNoise`, whose option is `stddev`.
 */
export function gaussianNoise(
  standardDeviation: ScalarSource,
  options: NoiseOptions = {},
): Layer {
  return noiseLayer(
    {
      type: "GaussianNoise",
      factory: "gaussianNoise",
      amount: "standardDeviation",
      range: { minimum: 0 },
      disturb: (x, width, key, counter) => add(x, mul(normal(key, x.shape, counter), width)),
    },
    standardDeviation,
    options,
  );
}
