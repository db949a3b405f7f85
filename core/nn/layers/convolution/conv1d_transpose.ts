import type { Layer } from "../../layer.ts";
import { convTranspose, type ConvTransposeOptions } from "./conv_transpose.ts";
import type { AxisSizes } from "./geometry.ts";

/**
 * Transposed convolution over a line: a sequence or a signal: every input puts a kernel, times its value,
 * among the outputs, `strides` apart. It is the gradient of the convolution with that kernel.
 *
 * y[i·stride + t·dilation − before, f] = activation(Σ x[i, c] · kernel[t, f, c] + bias[f]), over all
 * inputs i, taps t and channels c that meet there.
 *
 * @param filters Channels of the outputs, from 1.
 * @param kernelSize Taps of the window, one number or one an axis.
 * @param options Strides, padding, activation, and how weights start and are kept.
 * @returns A layer of `[batch, length, channels]` inputs, f32, with the weights `kernel`
 * `[...kernelSize, filters, channels]` and `bias` `[filters]`.
 * @throws {RangeError} when an option is out of range.
 *
 * @example
 * ```ts
 * import { conv1dTranspose, input, sequential } from "@millrace/millrace";
 * import assert from "node:assert/strict";
 *
 * const larger = conv1dTranspose(8, 3, { strides: 2, padding: "same" });
 * assert.deepEqual(sequential([input([20, 3]), larger]).outputShape, [40, 8]);
 * ```
 *
 * Keras: `Conv1DTranspose`, channels last; it refuses dilation with strides. PyTorch:
 * `nn.ConvTranspose1d`, which has channels first, kernels `[channels, filters, ...]`, and pads both
 * sides alike.
 */
export function conv1dTranspose(
  filters: number,
  kernelSize: AxisSizes,
  options: ConvTransposeOptions = {},
): Layer {
  return convTranspose(1, filters, kernelSize, options);
}
