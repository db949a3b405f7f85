import type { Tensor } from "../../../graph/tensor.ts";
import { checkCount } from "../../check_count.ts";
import type { Layer } from "../../layer.ts";
import type { SpreadOptions } from "./auto_contrast.ts";
import { equalized } from "./equalized.ts";
import { orderedPair } from "./factor.ts";
import { imageLayer } from "./image_layer.ts";

/** Options of {@link equalization}. */
export interface EqualizationOptions extends SpreadOptions {
  /** Bins of the histogram, from 2; default 256. */
  readonly bins?: number;
}

/**
 * Spreads the values of each channel of every picture so that each level is as frequent as can be, in
 * training and in inference.
 *
 * y = black + (white − black) · round(255 (n(x) − n₀) / (N − n₀)) / 255, with n(x) how many of a
 * channel's N values are in the bin of x or a darker one, and n₀ how many are in the darkest one of
 * all; a channel of one value stays as it is. Gradients do not flow through it.
 *
 * @param options Bounds of values, bins, name and input shape.
 * @returns A layer of `[batch, height, width, channels]` inputs, without weights.
 * @throws {RangeError} when the range is wrong, or `bins` is not a whole number from 2.
 *
 * @example
 * ```ts
 * import { equalization, input, predict, sequential } from "@millrace/millrace";
 * import assert from "node:assert/strict";
 *
 * const model = sequential([input([1, 4, 1]), equalization()]);
 * const x = { data: Float32Array.of(7, 8, 8, 9), shape: [1, 1, 4, 1] };
 * const { data } = await predict(model, x, { device: "reference" });
 * assert.deepEqual([...data], [0, 170, 170, 255]);
 * ```
 *
 * Keras: `Equalization`, whose bins are those that values rounded down are in: of 8-bit values the same.
 * PyTorch: `torchvision.transforms.functional.equalize`.
 */
export function equalization(options: EqualizationOptions = {}): Layer {
  const factory = "equalization";
  const { bins = 256 } = options;
  const range = orderedPair(factory, "valueRange", options.valueRange ?? [0, 255]);
  checkCount(`the bins of ${factory}`, bins, 2);
  const rest = (x: Tensor) => equalized(x, range, bins);
  return imageLayer(
    { type: "Equalization", factory, config: { ...options }, change: rest, rest },
    options,
  );
}
