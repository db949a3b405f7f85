import type { Layer } from "../../layer.ts";
import { convTranspose, type ConvTransposeOptions } from "./conv_transpose.ts";
import type { AxisSizes } from "./geometry.ts";

/**
 * Transposed convolution over a volume: every input puts a kernel, times its value,
 * among the outputs, `strides` apart. It is the gradient of the convolution with that kernel.
 *
 * y[i·stride + t·dilation − before, f] = activation(Σ x[i, c] · kernel[t, f, c] + bias[f]), over all
 * inputs i, taps t and channels c that meet there.
 *
 * @param filters Channels of the outputs, from 1.
 * @param kernelSize Taps of the window, one number or one an axis.
 * @param options Strides, padding, activation, and how weights start and are kept.
 * @returns A layer of `[batch, depth, height, width, channels]` inputs, f32, with the weights `kernel`
 * `[...kernelSize, filters, channels]` and `bias` `[filters]`.
 * @throws {RangeError} when an option is out of range.
 *
 * @example
 * ```ts
 * import { conv3dTranspose, input, sequential } from "@millrace/millrace";
 * import assert from "node:assert/strict";
 *
 * const larger = conv3dTranspose(8, 3, { strides: 2, padding: "same" });
 * assert.deepEqual(sequential([input([4, 3, 2, 3]), larger]).outputShape, [8, 6, 4, 8]);
 * ```
 *
 * Keras: `Conv3DTranspose`, channels last; it refuses dilation with strides. PyTorch:
 * `nn.ConvTranspose3d`, which has channels first, kernels `[channels, filters, ...]`, and pads both
 * sides alike.
 */
export function conv3dTranspose(
  filters: number,
  kernelSize: AxisSizes,
  options: ConvTransposeOptions = {},
): Layer {
  return convTranspose(3, filters, kernelSize, options);
}
