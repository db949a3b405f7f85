import type { Layer } from "../../layer.ts";
import { adaptivePooling, type AdaptivePoolingOptions } from "./adaptive_pooling.ts";
import type { AxisSizes } from "./geometry.ts";

/**
 * The mean of the inputs of each of so many parts of about equal size, channel by channel.
 *
 * Along an axis of n places, part i of k goes from ⌊i · n / k⌋ to before ⌈(i + 1) · n / k⌉.
 *
 * @param outputSize Number of parts, from 1, one number or one an axis.
 * @param options Name and input shape.
 * @returns A layer of `[batch, depth, height, width, channels]` inputs, f32, without weights.
 * @throws {RangeError} when a size is not a whole number from 1.
 *
 * @example
 * ```ts
 * import { adaptiveAveragePooling3d, input, sequential } from "@millrace/millrace";
 * import assert from "node:assert/strict";
 *
 * const model = sequential([input([8, 6, 4, 3]), adaptiveAveragePooling3d(7)]);
 * assert.deepEqual(model.outputShape, [7, 7, 7, 3]);
 * ```
 *
 * Keras: `AdaptiveAveragePooling3D`. PyTorch: `nn.AdaptiveAvgPool3d`.
 */
export function adaptiveAveragePooling3d(
  outputSize: AxisSizes,
  options: AdaptivePoolingOptions = {},
): Layer {
  return adaptivePooling("Average", 3, outputSize, options);
}
