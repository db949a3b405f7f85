import type { Layer } from "../../layer.ts";
import type { AxisSizes } from "./geometry.ts";
import { separableConv, type SeparableConvOptions } from "./separable_conv.ts";

/**
 * Convolution over a plane: a picture, in two parts: each channel by itself, then a mixture of
 * the channels of each place. It has far fewer weights than one in one part.
 *
 * @param filters Channels of the outputs, from 1.
 * @param kernelSize Taps of the window, one number or one an axis.
 * @param options Strides, padding, depth multiplier, dilation, activation, and how weights start and
 * are kept.
 * @returns A layer of `[batch, height, width, channels]` inputs, f32, with the weights `depthwise_kernel`
 * `[...kernelSize, channels, depthMultiplier]`, `pointwise_kernel`
 * `[1, 1, channels · depthMultiplier, filters]` and `bias` `[filters]`.
 * @throws {RangeError} when an option is out of range.
 *
 * @example
 * ```ts
 * import { input, separableConv2d, sequential } from "@millrace/millrace";
 * import assert from "node:assert/strict";
 *
 * const model = sequential([input([28, 20, 3]), separableConv2d(8, 3, { activation: "relu" })]);
 * assert.deepEqual(model.outputShape, [26, 18, 8]);
 * ```
 *
 * Source: F. Chollet, "Xception", 2017. Keras: `SeparableConv2D`. PyTorch: two of `nn.Conv2d`.
 */
export function separableConv2d(
  filters: number,
  kernelSize: AxisSizes,
  options: SeparableConvOptions = {},
): Layer {
  return separableConv(2, filters, kernelSize, options);
}
