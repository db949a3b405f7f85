import type { Layer } from "../../layer.ts";
import { conv, type ConvOptions } from "./conv.ts";
import type { AxisSizes } from "./geometry.ts";

/**
 * Convolution over a volume: a scan, a film.
 *
 * y[o, f] = activation(Σ x[o·stride + t·dilation − padding, c] · kernel[t, c, f] + bias[f]), over taps
 * t and channels c.
 *
 * @param filters Channels of the outputs, from 1.
 * @param kernelSize Taps of the window, one number or one an axis.
 * @param options Strides, padding, dilation, groups, activation, and how weights start and are kept.
 * @returns A layer of `[batch, depth, height, width, channels]` inputs, f32, with the weights `kernel`
 * `[...kernelSize, channels / groups, filters]` and `bias` `[filters]`.
 * @throws {RangeError} when an option is out of range.
 *
 * @example
 * ```ts
 * import { conv3d, input, sequential } from "@millrace/millrace";
 * import assert from "node:assert/strict";
 *
 * const model = sequential([input([8, 8, 8, 1]), conv3d(2, [3, 3, 1], { strides: 2 })]);
 * assert.deepEqual(model.outputShape, [3, 3, 4, 2]);
 * ```
 *
 * Keras: `Conv3D`, channels last. PyTorch: `nn.Conv3d`, which has channels first, kernels
 * `[filters, channels, ...]`, and other first weights.
 */
export function conv3d(filters: number, kernelSize: AxisSizes, options: ConvOptions = {}): Layer {
  return conv(3, filters, kernelSize, options);
}
