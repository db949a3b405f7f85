import type { Layer } from "../../layer.ts";
import { globalPooling, type GlobalPoolingOptions } from "./global_pooling.ts";

/**
 * The mean of the inputs of all places, channel by channel.
 *
 * @param options Whether the axes of places stay, name and input shape.
 * @returns A layer of `[batch, depth, height, width, channels]` inputs, f32, to `[batch, channels]`,
 * without weights.
 *
 * @example
 * ```ts
 * import { globalAveragePooling3d, input, sequential } from "@millrace/millrace";
 * import assert from "node:assert/strict";
 *
 * const model = sequential([input([8, 6, 4, 3]), globalAveragePooling3d()]);
 * assert.deepEqual(model.outputShape, [3]);
 * ```
 *
 * Keras: `GlobalAveragePooling3D`. PyTorch: `nn.AdaptiveAvgPool3d(1)`.
 */
export function globalAveragePooling3d(options: GlobalPoolingOptions = {}): Layer {
  return globalPooling("Average", 3, options);
}
