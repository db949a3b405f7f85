import type { Layer } from "../../layer.ts";
import { samplerOf, type SamplingOptions, transformed } from "./affine.ts";
import { type Factor, rangeOf } from "./factor.ts";
import { imageLayer } from "./image_layer.ts";

/**
 * Leans every picture to the side and up or down, by amounts of its own, in training.
 *
 * The pixel i rows below the middle and j columns right of it shows the one at i + y · j and j + x · i, with x
 * and y even over the factors. Pictures follow from (seed, step, layer name), on every device alike;
 * in inference y = x.
 *
 * @param xFactor How far a row moves sideways for its distance from the middle, from −1 to 1: the least and
 * the most, or one number for as much either way. 1 is 45 degrees.
 * @param yFactor How far a column moves up or down, likewise.
 * @param options Fill mode, interpolation, name, seed.
 * @returns A layer of `[batch, height, width, channels]` inputs, without weights.
 * @throws {RangeError} when a factor is out of range, or an option is not known.
 *
 * @example
 * ```ts
 * import { input, randomShear, sequential } from "@millrace/millrace";
 * import assert from "node:assert/strict";
 *
 * const model = sequential([input([28, 28, 1]), randomShear(0.2, 0, { fillMode: "constant" })]);
 * assert.equal(model.layers[0].name, "random_shear_1");
 * ```
 *
 * Keras: `RandomShear`, whose factors are not below 0 and change sides by chance, around the corner. PyTorch: the
 * shear of `torchvision.transforms.RandomAffine`, in degrees.
 */
export function randomShear(
  xFactor: Factor,
  yFactor: Factor = 0,
  options: SamplingOptions = {},
): Layer {
  const factory = "randomShear";
  const allowed = { minimum: -1, maximum: 1 };
  const shear = rangeOf(factory, "xFactor", xFactor, allowed);
  const rise = rangeOf(factory, "yFactor", yFactor, allowed);
  const sample = samplerOf(factory, options);
  return imageLayer({
    type: "RandomShear",
    factory,
    config: { xFactor, yFactor, ...options },
    change: (x, draws) => transformed(x, { shear, rise }, draws, sample),
  }, options);
}
