import type { Layer } from "../../layer.ts";
import { checkCount } from "../../check_count.ts";
import { checkPlaces } from "../convolution/geometry.ts";
import type { PlainOptions } from "../reshaping/plain.ts";
import { checkInterpolation, type Interpolation, resampler } from "../reshaping/resample.ts";
import { largestWindow, part, resized } from "./window.ts";

/** Options of {@link resizing}. */
export interface ResizingOptions extends PlainOptions {
  /**
   * How values between pixels are found: `nearest`, `bilinear` (default), or by weighted sums of 4
   * (`bicubic`), 6 (`lanczos3`) or 10 (`lanczos5`) neighbours along each axis, which are sharper; their
   * weights outside are shared out among the others.
   */
  readonly interpolation?: Interpolation;
  /** Cut off what would change the proportions, instead of stretching; default false. */
  readonly cropToAspectRatio?: boolean;
}

/**
 * Brings pictures to another size, in training and in inference.
 *
 * Middles of pixels lie half a pixel behind their beginnings, and nothing is smoothed before pictures
 * are made smaller, as in Keras.
 *
 * @param height Rows, a whole number from 1.
 * @param width Columns, a whole number from 1.
 * @param options Interpolation, cropping, name, input shape.
 * @returns A layer from `[batch, rows, columns, channels]` to `[batch, height, width, channels]`, without
 * weights.
 * @throws {RangeError} when a size is not a whole number from 1, or the interpolation is not known.
 *
 * @example
 * ```ts
 * import { input, resizing, sequential } from "@millrace/millrace";
 * import assert from "node:assert/strict";
 *
 * const model = sequential([input([32, 20, 3]), resizing(16, 16)]);
 * assert.deepEqual(model.outputShape, [16, 16, 3]);
 * ```
 *
 * Keras: `Resizing`. PyTorch: `functional.interpolate` with `align_corners=False`; its bicubic mode has
 * other weights (a = −0.75 for −0.5) unless `antialias=True`.
 */
export function resizing(height: number, width: number, options: ResizingOptions = {}): Layer {
  const { interpolation = "bilinear", cropToAspectRatio = false } = options;
  checkCount("the height of resizing", height, 1);
  checkCount("the width of resizing", width, 1);
  checkInterpolation("resizing", interpolation);
  const resize = interpolation === "bilinear" || interpolation === "nearest"
    ? undefined
    : resampler(interpolation);
  return {
    type: "Resizing",
    name: options.name ?? "",
    inputShape: options.inputShape,
    config: { height, width, ...options },
    init(given) {
      checkPlaces(2, given);
      return { outputShape: [height, width, given[2]], parameters: [] };
    },
    apply(_parameters, x) {
      const window = cropToAspectRatio
        ? largestWindow(x, height, width)
        : { top: 0, left: 0, height: x.shape[1], width: x.shape[2] };
      return resize?.(part(x, window), height, width) ??
        resized(x, window, height, width, interpolation as "bilinear" | "nearest");
    },
  };
}
