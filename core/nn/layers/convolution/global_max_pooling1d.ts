import type { Layer } from "../../layer.ts";
import { globalPooling, type GlobalPoolingOptions } from "./global_pooling.ts";

/**
 * The largest input of all places, channel by channel.
 *
 * @param options Whether the axes of places stay, name and input shape.
 * @returns A layer of `[batch, length, channels]` inputs, f32, to `[batch, channels]`,
 * without weights.
 *
 * @example
 * ```ts
 * import { globalMaxPooling1d, input, sequential } from "@millrace/millrace";
 * import assert from "node:assert/strict";
 *
 * const model = sequential([input([20, 3]), globalMaxPooling1d()]);
 * assert.deepEqual(model.outputShape, [3]);
 * ```
 *
 * Keras: `GlobalMaxPooling1D`. PyTorch: `nn.AdaptiveMaxPool1d(1)`.
 */
export function globalMaxPooling1d(options: GlobalPoolingOptions = {}): Layer {
  return globalPooling("Max", 1, options);
}
