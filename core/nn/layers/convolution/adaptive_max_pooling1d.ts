import type { Layer } from "../../layer.ts";
import { adaptivePooling, type AdaptivePoolingOptions } from "./adaptive_pooling.ts";
import type { AxisSizes } from "./geometry.ts";

/**
 * The largest input of each of so many parts of about equal size, channel by channel.
 *
 * Along an axis of n places, part i of k goes from ⌊i · n / k⌋ to before ⌈(i + 1) · n / k⌉.
 *
 * @param outputSize Number of parts, from 1, one number or one an axis.
 * @param options Name and input shape.
 * @returns A layer of `[batch, length, channels]` inputs, f32, without weights.
 * @throws {RangeError} when a size is not a whole number from 1.
 *
 * @example
 * ```ts
 * import { adaptiveMaxPooling1d, input, sequential } from "@millrace/millrace";
 * import assert from "node:assert/strict";
 *
 * const model = sequential([input([20, 3]), adaptiveMaxPooling1d(7)]);
 * assert.deepEqual(model.outputShape, [7, 3]);
 * ```
 *
 * Keras: `AdaptiveMaxPooling1D`. PyTorch: `nn.AdaptiveMaxPool1d`.
 */
export function adaptiveMaxPooling1d(
  outputSize: AxisSizes,
  options: AdaptivePoolingOptions = {},
): Layer {
  return adaptivePooling("Max", 1, outputSize, options);
}
