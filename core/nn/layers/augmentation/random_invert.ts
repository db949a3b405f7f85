import { select } from "../../../ops/select.ts";
import { sub } from "../../../ops/sub.ts";
import { chosenBy, perPicture } from "./picture_values.ts";
import type { Layer } from "../../layer.ts";
import { type Factor, orderedPair, rangeOf } from "./factor.ts";
import { imageLayer } from "./image_layer.ts";
import type { ValueOptions } from "./value_layer.ts";

/**
 * Turns some of the pictures into their negatives, in training.
 *
 * y = black + white − x, with a probability for each picture that is even over `factor`. It follows from
 * (seed, step, layer name); in inference y = x.
 *
 * @param factor How probable it is, from 0 to 1: the least and the most, or 0 to one number; default 1.
 * @param options Bounds of values, name, seed.
 * @returns A layer of `[batch, height, width, channels]` inputs, without weights.
 * @throws {RangeError} when a factor or the range is wrong.
 *
 * @example
 * ```ts
 * import { input, randomInvert, sequential } from "@millrace/millrace";
 * import assert from "node:assert/strict";
 *
 * const model = sequential([input([32, 32, 3]), randomInvert([0.1, 0.1])]);
 * assert.deepEqual(model.outputShape, [32, 32, 3]);
 * ```
 *
 * Keras: `RandomInvert`, which gives white − x, whatever black is. PyTorch:
 * `torchvision.transforms.RandomInvert`.
 */
export function randomInvert(factor: Factor = 1, options: ValueOptions = {}): Layer {
  const factory = "randomInvert";
  const chance = rangeOf(factory, "factor", factor, { minimum: 0, maximum: 1 });
  const range = orderedPair(factory, "valueRange", options.valueRange ?? [0, 255]);
  return imageLayer({
    type: "RandomInvert",
    factory,
    config: { factor, ...options },
    change(x, draws) {
      const [black, white] = range;
      return select(perPicture(chosenBy(draws, chance)), sub(black + white, x), x);
    },
  }, options);
}
