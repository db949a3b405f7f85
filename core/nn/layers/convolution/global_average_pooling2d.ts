import type { Layer } from "../../layer.ts";
import { globalPooling, type GlobalPoolingOptions } from "./global_pooling.ts";

/**
 * The mean of the inputs of all places, channel by channel.
 *
 * @param options Whether the axes of places stay, name and input shape.
 * @returns A layer of `[batch, height, width, channels]` inputs, f32, to `[batch, channels]`,
 * without weights.
 *
 * @example
 * ```ts
 * import { globalAveragePooling2d, input, sequential } from "@millrace/millrace";
 * import assert from "node:assert/strict";
 *
 * const model = sequential([input([28, 20, 3]), globalAveragePooling2d()]);
 * assert.deepEqual(model.outputShape, [3]);
 * ```
 *
 * Keras: `GlobalAveragePooling2D`. PyTorch: `nn.AdaptiveAvgPool2d(1)`.
 */
export function globalAveragePooling2d(options: GlobalPoolingOptions = {}): Layer {
  return globalPooling("Average", 2, options);
}
