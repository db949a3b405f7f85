import type { Layer } from "../../layer.ts";
import { conv, type ConvOptions } from "./conv.ts";
import type { AxisSizes } from "./geometry.ts";

/**
 * Convolution over a line: a text, a sound, a series in time.
 *
 * y[o, f] = activation(Σ x[o·stride + t·dilation − padding, c] · kernel[t, c, f] + bias[f]), over taps
 * t and channels c.
 *
 * @param filters Channels of the outputs, from 1.
 * @param kernelSize Taps of the window, one number or one an axis.
 * @param options Strides, padding, dilation, groups, activation, and how weights start and are kept.
 * @returns A layer of `[batch, length, channels]` inputs, f32, with the weights `kernel`
 * `[...kernelSize, channels / groups, filters]` and `bias` `[filters]`.
 * @throws {RangeError} when an option is out of range.
 *
 * @example
 * ```ts
 * import { conv1d, input, sequential } from "@millrace/millrace";
 * import assert from "node:assert/strict";
 *
 * const model = sequential([input([28, 1]), conv1d(4, 3, { padding: "causal" })]);
 * assert.deepEqual(model.outputShape, [28, 4]);
 * ```
 *
 * Keras: `Conv1D`, channels last. PyTorch: `nn.Conv1d`, which has channels first, kernels
 * `[filters, channels, ...]`, and other first weights.
 */
export function conv1d(filters: number, kernelSize: AxisSizes, options: ConvOptions = {}): Layer {
  return conv(1, filters, kernelSize, options);
}
