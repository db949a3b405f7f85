import type { Layer } from "../../layer.ts";
import { samplerOf, type SamplingOptions, transformed } from "./affine.ts";
import { type Factor, rangeOf } from "./factor.ts";
import { imageLayer } from "./image_layer.ts";

/**
 * Turns every picture around its middle by an angle of its own, in training.
 *
 * Pictures follow from (seed, step, layer name), on every device alike; in inference y = x.
 *
 * @param factor The angle counter-clockwise as a share of a full turn, from −1 to 1: the least and the most, or
 * one number for as much either way. 0.1 is up to 36 degrees.
 * @param options Fill mode, interpolation, name, seed.
 * @returns A layer of `[batch, height, width, channels]` inputs, without weights.
 * @throws {RangeError} when the factor is out of range, or an option is not known.
 *
 * @example
 * ```ts
 * import { input, randomRotation, sequential } from "@millrace/millrace";
 * import assert from "node:assert/strict";
 *
 * const model = sequential([input([28, 28, 1]), randomRotation(0.05, { fillMode: "constant" })]);
 * assert.equal(model.layers[0].name, "random_rotation_1");
 * ```
 *
 * Keras: `RandomRotation`. PyTorch: `torchvision.transforms.RandomRotation`, in degrees.
 */
export function randomRotation(factor: Factor, options: SamplingOptions = {}): Layer {
  const factory = "randomRotation";
  const rotation = rangeOf(factory, "factor", factor, { minimum: -1, maximum: 1 });
  const sample = samplerOf(factory, options);
  return imageLayer({
    type: "RandomRotation",
    factory,
    config: { factor, ...options },
    change: (x, draws) => transformed(x, { rotation }, draws, sample),
  }, options);
}
