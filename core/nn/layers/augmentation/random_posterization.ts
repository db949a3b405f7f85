import { add } from "../../../ops/add.ts";
import { full } from "../../../ops/eager.ts";
import { greaterEqual } from "../../../ops/greater_equal.ts";
import { select } from "../../../ops/select.ts";
import { checkCount } from "../../check_count.ts";
import { perPicture, posterized } from "./picture_values.ts";
import type { Layer } from "../../layer.ts";
import { type Factor, orderedPair, rangeOf } from "./factor.ts";
import { imageLayer } from "./image_layer.ts";
import type { ValueOptions } from "./value_layer.ts";

/**
 * Leaves every picture a few bits a channel, in training.
 *
 * y = black + ⌊(x − black) / d⌋ · d with d = 2^(8 − bits) / 255 · (white − black), and bits drawn for each
 * picture, each number as likely. It follows from (seed, step, layer name); in inference y = x.
 *
 * @param factor How many bits of eight are left: the fewest and the most, from 1 to 8, or 1 to one number.
 * @param options Bounds of values, name, seed.
 * @returns A layer of `[batch, height, width, channels]` inputs, without weights.
 * @throws {RangeError} when a factor or the range is wrong.
 *
 * @example
 * ```ts
 * import { input, randomPosterization, sequential } from "@millrace/millrace";
 * import assert from "node:assert/strict";
 *
 * const model = sequential([input([32, 32, 3]), randomPosterization([3, 6])]);
 * assert.deepEqual(model.outputShape, [32, 32, 3]);
 * ```
 *
 * Source: E. Cubuk and others, "AutoAugment", 2018. Keras: `RandomPosterization`, which never draws the most.
 * PyTorch: `torchvision.transforms.RandomPosterize`.
 */
export function randomPosterization(factor: Factor, options: ValueOptions = {}): Layer {
  const factory = "randomPosterization";
  const [fewest, most] = rangeOf(factory, "factor", factor, { minimum: 1, maximum: 8 });
  for (const bits of [fewest, most]) checkCount(`the bits of ${factory}`, bits, 1);
  const range = orderedPair(factory, "valueRange", options.valueRange ?? [0, 255]);
  return imageLayer({
    type: "RandomPosterization",
    factory,
    config: { factor, ...options },
    change(x, draws) {
      // The whole part of it is how many bits are lost, and a step is as long as 2 to the power of that.
      const lost = perPicture(draws.uniform("bits", [8 - most, 9 - fewest]));
      const step = Array.from({ length: 8 - fewest }, (_, place) => place)
        .reduce(
          (sum, place) => add(sum, select(greaterEqual(lost, place + 1), 2 ** place, 0)),
          full([x.shape[0], 1, 1, 1], 1),
        );
      return posterized(x, step, range);
    },
  }, options);
}
