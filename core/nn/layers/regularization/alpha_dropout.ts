import { add } from "../../../ops/add.ts";
import { div } from "../../../ops/div.ts";
import { mul } from "../../../ops/mul.ts";
import { dropoutMask } from "../../../ops/random.ts";
import { select } from "../../../ops/select.ts";
import { sqrt } from "../../../ops/sqrt.ts";
import { sub } from "../../../ops/sub.ts";
import type { Layer } from "../../layer.ts";
import type { ScalarSource } from "../../scalar.ts";
import {
  checkNoiseShape,
  type DropoutOptions,
  maskShape,
  noiseLayer,
  ratesBelowOne,
} from "./noise.ts";

/** What `selu` tends to towards −Infinity: −1.0507 · 1.6733. */
const saturation = -1.0507009873554805 * 1.6732632423543772;

/**
 * Dropout for `selu`: what it tosses out becomes the value that `selu` tends to, and what flows on
 * keeps mean 0 and variance 1.
 *
 * y = a · (x where kept, else α′) + b, with α′ = −1.7581, a = ((1 − rate) · (1 + rate · α′²))^(−½) and
 * b = −a · α′ · rate; in inference y = x. The mask follows from (seed, step, layer name).
 *
 * @param rate Part that is tossed out, from 0 to below 1; it may change between steps.
 * @param options Shape of the mask, name, seed. (Layers of the same seed and shape have the same masks.)
 * @returns A layer without weights.
 * @throws {RangeError} when a constant rate is not from 0 to below 1; the run refuses others as they
 * come. The model refuses a `noiseShape` that does not fit its inputs with a {@link ShapeError}.
 *
 * @example
 * ```ts
 * import { alphaDropout, dense, input, sequential } from "@millrace/millrace";
 * import assert from "node:assert/strict";
 *
 * const hidden = dense(30, { activation: "selu", kernelInitializer: "lecunNormal" });
 * const model = sequential([input([784]), hidden, alphaDropout(0.1), dense(10)]);
 * assert.equal(model.layers[1].name, "alpha_dropout_1");
 * ```
 *
 * Source: G. Klambauer and others, "Self-normalizing neural networks", 2017. Keras: `AlphaDropout`.
 * PyTorch: `nn.AlphaDropout`.
 */
export function alphaDropout(rate: ScalarSource, options: DropoutOptions = {}): Layer {
  return noiseLayer(
    {
      type: "AlphaDropout",
      factory: "alphaDropout",
      amount: "rate",
      range: ratesBelowOne,
      check: (shape) => checkNoiseShape("alphaDropout", shape, options.noiseShape),
      disturb(x, share, key, counter) {
        const spread = mul(sub(1, share), add(mul(share, saturation ** 2), 1));
        const a = div(1, sqrt(spread));
        const b = mul(mul(a, share), -saturation);
        const mask = maskShape("alphaDropout", x.shape, options.noiseShape);
        const kept = dropoutMask(key, mask, counter, share);
        return add(mul(select(kept, x, saturation), a), b);
      },
    },
    rate,
    options,
  );
}
