import { clip } from "../../../ops/clip.ts";
import { mul } from "../../../ops/mul.ts";
import { perPicture, smoothed, towards } from "./picture_values.ts";
import type { Layer } from "../../layer.ts";
import { type Factor, orderedPair, rangeOf } from "./factor.ts";
import { imageLayer } from "./image_layer.ts";
import type { ValueOptions } from "./value_layer.ts";

/**
 * Blurs or sharpens every picture by an amount of its own, in training.
 *
 * y = s + (x − s) · 2f, cut off at `valueRange`, with s a pixel blurred by the eight around it (1/13 of
 * each, 5/13 of its own; at the border the pixel itself) and f even over the factor: 0 blurs, 0.5 changes
 * nothing, 1 sharpens. It follows from (seed, step, layer name); in inference y = x.
 *
 * @param factor The least and the most of f, from 0 to 1, or 0 to one number.
 * @param options Bounds of values, name, seed.
 * @returns A layer of `[batch, height, width, channels]` inputs, without weights.
 * @throws {RangeError} when a factor or the range is wrong.
 *
 * @example
 * ```ts
 * import { input, randomSharpness, sequential } from "@millrace/millrace";
 * import assert from "node:assert/strict";
 *
 * const model = sequential([input([32, 32, 3]), randomSharpness([0.3, 0.9])]);
 * assert.deepEqual(model.outputShape, [32, 32, 3]);
 * ```
 *
 * Keras: `RandomSharpness`, which takes zeros around, so that borders are darker. PyTorch:
 * `torchvision.transforms.RandomAdjustSharpness`.
 */
export function randomSharpness(factor: Factor, options: ValueOptions = {}): Layer {
  const factory = "randomSharpness";
  const share = rangeOf(factory, "factor", factor, { minimum: 0, maximum: 1 });
  const range = orderedPair(factory, "valueRange", options.valueRange ?? [0, 255]);
  return imageLayer({
    type: "RandomSharpness",
    factory,
    config: { factor, ...options },
    change(x, draws) {
      const amount = mul(perPicture(draws.uniform("sharpness", share)), 2);
      return clip(towards(smoothed(x), x, amount), ...range);
    },
  }, options);
}
