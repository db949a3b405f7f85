import type { Layer } from "../../layer.ts";
import { globalPooling, type GlobalPoolingOptions } from "./global_pooling.ts";

/**
 * The largest input of all places, channel by channel.
 *
 * @param options Whether the axes of places stay, name and input shape.
 * @returns A layer of `[batch, depth, height, width, channels]` inputs, f32, to `[batch, channels]`,
 * without weights.
 *
 * @example
 * ```ts
 * import { globalMaxPooling3d, input, sequential } from "@millrace/millrace";
 * import assert from "node:assert/strict";
 *
 * const model = sequential([input([8, 6, 4, 3]), globalMaxPooling3d()]);
 * assert.deepEqual(model.outputShape, [3]);
 * ```
 *
 * Keras: `GlobalMaxPooling3D`. PyTorch: `nn.AdaptiveMaxPool3d(1)`.
 */
export function globalMaxPooling3d(options: GlobalPoolingOptions = {}): Layer {
  return globalPooling("Max", 3, options);
}
