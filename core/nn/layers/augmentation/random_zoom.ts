import type { Layer } from "../../layer.ts";
import { samplerOf, type SamplingOptions, transformed } from "./affine.ts";
import { type Factor, rangeOf } from "./factor.ts";
import { imageLayer } from "./image_layer.ts";

/** Options of {@link randomZoom}. */
export interface RandomZoomOptions extends SamplingOptions {
  /** The same for the width; left out, the width is zoomed as the height is. */
  readonly widthFactor?: Factor;
}

/**
 * Makes every picture larger or smaller by an amount of its own, around its middle, in training.
 *
 * Pictures follow from (seed, step, layer name), on every device alike; in inference y = x.
 *
 * @param heightFactor What is added to the height of what is seen, as a share, from −1 to 1: above 0 the picture
 * grows smaller, below larger; the least and the most, or one number for as much either way.
 * @param options Factor of the width, fill mode, interpolation, name, seed.
 * @returns A layer of `[batch, height, width, channels]` inputs, without weights.
 * @throws {RangeError} when a factor is out of range, or an option is not known.
 *
 * @example
 * ```ts
 * import { input, randomZoom, sequential } from "@millrace/millrace";
 * import assert from "node:assert/strict";
 *
 * const model = sequential([input([28, 28, 1]), randomZoom([-0.1, 0.2], { widthFactor: 0.1 })]);
 * assert.deepEqual(model.outputShape, [28, 28, 1]);
 * ```
 *
 * Keras: `RandomZoom`.
 */
export function randomZoom(heightFactor: Factor, options: RandomZoomOptions = {}): Layer {
  const factory = "randomZoom";
  const allowed = { minimum: -1, maximum: 1 };
  const heightZoom = rangeOf(factory, "heightFactor", heightFactor, allowed);
  const widthZoom = options.widthFactor === undefined
    ? "same"
    : rangeOf(factory, "widthFactor", options.widthFactor, allowed);
  const sample = samplerOf(factory, options);
  return imageLayer({
    type: "RandomZoom",
    factory,
    config: { heightFactor, ...options },
    change: (x, draws) => transformed(x, { heightZoom, widthZoom }, draws, sample),
  }, options);
}
