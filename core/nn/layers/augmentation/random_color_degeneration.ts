import { clip } from "../../../ops/clip.ts";
import { checkColors, greyOf, perPicture, towards } from "./picture_values.ts";
import type { Layer } from "../../layer.ts";
import { type Factor, orderedPair, rangeOf } from "./factor.ts";
import { imageLayer } from "./image_layer.ts";
import type { ValueOptions } from "./value_layer.ts";

/**
 * Makes the colors of every picture duller by an amount of its own, in training.
 *
 * y = x + f · (grey − x), cut off at `valueRange`, with grey how bright a pixel looks (0.2989 red +
 * 0.587 green + 0.114 blue) and f even over the factor: at 1 no color is left. It follows from (seed,
 * step, layer name); in inference y = x.
 *
 * @param factor The least and the most of f, from 0 to 1, or 0 to one number.
 * @param options Bounds of values, name, seed.
 * @returns A layer of `[batch, height, width, 3]` inputs, without weights.
 * @throws {RangeError} when a factor or the range is wrong.
 *
 * @example
 * ```ts
 * import { input, randomColorDegeneration, sequential } from "@millrace/millrace";
 * import assert from "node:assert/strict";
 *
 * const model = sequential([input([32, 32, 3]), randomColorDegeneration(0.5)]);
 * assert.deepEqual(model.outputShape, [32, 32, 3]);
 * ```
 *
 * Keras: `RandomColorDegeneration`. PyTorch: the saturation of `torchvision.transforms.ColorJitter`.
 */
export function randomColorDegeneration(factor: Factor, options: ValueOptions = {}): Layer {
  const factory = "randomColorDegeneration";
  const share = rangeOf(factory, "factor", factor, { minimum: 0, maximum: 1 });
  const range = orderedPair(factory, "valueRange", options.valueRange ?? [0, 255]);
  return imageLayer({
    type: "RandomColorDegeneration",
    factory,
    config: { factor, ...options },
    check: checkColors,
    change(x, draws) {
      const amount = perPicture(draws.uniform("degeneration", share));
      return clip(towards(x, greyOf(x), amount), ...range);
    },
  }, options);
}
