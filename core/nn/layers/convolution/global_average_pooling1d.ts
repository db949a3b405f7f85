import type { Layer } from "../../layer.ts";
import { globalPooling, type GlobalPoolingOptions } from "./global_pooling.ts";

/**
 * The mean of the inputs of all places, channel by channel.
 *
 * @param options Whether the axes of places stay, name and input shape.
 * @returns A layer of `[batch, length, channels]` inputs, f32, to `[batch, channels]`,
 * without weights.
 *
 * @example
 * ```ts
 * import { globalAveragePooling1d, input, sequential } from "@millrace/millrace";
 * import assert from "node:assert/strict";
 *
 * const model = sequential([input([20, 3]), globalAveragePooling1d()]);
 * assert.deepEqual(model.outputShape, [3]);
 * ```
 *
 * Keras: `GlobalAveragePooling1D`. PyTorch: `nn.AdaptiveAvgPool1d(1)`.
 */
export function globalAveragePooling1d(options: GlobalPoolingOptions = {}): Layer {
  return globalPooling("Average", 1, options);
}
