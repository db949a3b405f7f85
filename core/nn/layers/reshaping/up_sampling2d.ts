import type { Layer } from "../../layer.ts";
import type { AxisSizes } from "../convolution/geometry.ts";
import type { PlainOptions } from "./plain.ts";
import type { Interpolation } from "./resample.ts";
import { upSampling } from "./up_sampling.ts";

/** Options of {@link upSampling2d}. */
export interface UpSampling2dOptions extends PlainOptions {
  /**
   * How places between inputs are filled: with the nearest one (`nearest`, default), with a mean of the
   * two nearest along each axis by distance (`bilinear`), or with weighted sums of 4 (`bicubic`), 6
   * (`lanczos3`) or 10 (`lanczos5`), which are sharper; their weights outside are shared out among the
   * others.
   */
  readonly interpolation?: Interpolation;
}

/**
 * Makes a picture larger: every place is repeated, or filled from its neighbours.
 *
 * @param size How many places for one, from 1, one number or one an axis; default 2.
 * @param options Interpolation, name and input shape.
 * @returns A layer of `[batch, height, width, channels]` inputs, without weights.
 * @throws {RangeError} when an option is out of range.
 *
 * @example
 * ```ts
 * import { input, sequential, upSampling2d } from "@millrace/millrace";
 * import assert from "node:assert/strict";
 *
 * const model = sequential([input([28, 20, 3]), upSampling2d([2, 3])]);
 * assert.deepEqual(model.outputShape, [56, 60, 3]);
 * ```
 *
 * Keras: `UpSampling2D`. PyTorch: `nn.Upsample` with `align_corners=False`; its bicubic mode has other
 * weights (a = −0.75 for −0.5) unless `antialias=True`.
 */
export function upSampling2d(size: AxisSizes = 2, options: UpSampling2dOptions = {}): Layer {
  return upSampling(2, size, options);
}
