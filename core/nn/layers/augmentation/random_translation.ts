import type { Layer } from "../../layer.ts";
import { samplerOf, type SamplingOptions, transformed } from "./affine.ts";
import { type Factor, rangeOf } from "./factor.ts";
import { imageLayer } from "./image_layer.ts";

/**
 * Shifts every picture by an amount of its own, in training.
 *
 * Pictures follow from (seed, step, layer name), on every device alike; in inference y = x. Several
 * changes at once are cheaper, and blur less, in `randomAffine`.
 *
 * @param heightFactor Shift downwards as a share of the height, from −1 to 1: the least and the most, or one
 * number for as much up as down.
 * @param widthFactor Shift to the right as a share of the width, in the same way.
 * @param options Fill mode, interpolation, name, seed.
 * @returns A layer of `[batch, height, width, channels]` inputs, without weights.
 * @throws {RangeError} when a factor is out of range, or an option is not known.
 *
 * @example
 * ```ts
 * import { input, randomTranslation, sequential } from "@millrace/millrace";
 * import assert from "node:assert/strict";
 *
 * const model = sequential([input([28, 28, 1]), randomTranslation(0.1, [-0.2, 0])]);
 * assert.deepEqual(model.outputShape, [28, 28, 1]);
 * assert.throws(() => randomTranslation(2, 0), /from -1 to 1: received 2/);
 * ```
 *
 * Keras: `RandomTranslation`. PyTorch: `torchvision.transforms.RandomAffine(0, translate)`.
 */
export function randomTranslation(
  heightFactor: Factor,
  widthFactor: Factor,
  options: SamplingOptions = {},
): Layer {
  const factory = "randomTranslation";
  const allowed = { minimum: -1, maximum: 1 };
  const height = rangeOf(factory, "heightFactor", heightFactor, allowed);
  const width = rangeOf(factory, "widthFactor", widthFactor, allowed);
  const sample = samplerOf(factory, options);
  return imageLayer({
    type: "RandomTranslation",
    factory,
    config: { heightFactor, widthFactor, ...options },
    change: (x, draws) => transformed(x, { height, width }, draws, sample),
  }, options);
}
