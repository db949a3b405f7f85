import type { Layer } from "../../layer.ts";
import { depthwiseConv, type DepthwiseConvOptions } from "./depthwise_conv.ts";
import type { AxisSizes } from "./geometry.ts";

/**
 * Convolution of each channel by itself over a plane: a picture; channels do not mix.
 *
 * y[o, c·m + j] = activation(Σ x[o·stride + t·dilation − padding, c] · kernel[t, c, j] + bias), over
 * taps t, for each j below m = `depthMultiplier`.
 *
 * @param kernelSize Taps of the window, one number or one an axis.
 * @param options Strides, padding, depth multiplier, dilation, activation, and how weights start and
 * are kept.
 * @returns A layer of `[batch, height, width, channels]` inputs, f32, with the weights `kernel`
 * `[...kernelSize, channels, depthMultiplier]` and `bias` `[channels · depthMultiplier]`.
 * @throws {RangeError} when an option is out of range.
 *
 * @example
 * ```ts
 * import { depthwiseConv2d, input, sequential } from "@millrace/millrace";
 * import assert from "node:assert/strict";
 *
 * const model = sequential([input([28, 20, 3]), depthwiseConv2d(3, { depthMultiplier: 2 })]);
 * assert.deepEqual(model.outputShape, [26, 18, 6]);
 * ```
 *
 * Keras: `DepthwiseConv2D`. PyTorch: `nn.Conv2d` with as many groups as channels.
 */
export function depthwiseConv2d(
  kernelSize: AxisSizes,
  options: DepthwiseConvOptions = {},
): Layer {
  return depthwiseConv(2, kernelSize, options);
}
