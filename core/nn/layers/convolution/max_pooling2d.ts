import type { Layer } from "../../layer.ts";
import type { AxisSizes } from "./geometry.ts";
import { pooling, type PoolingOptions } from "./pooling.ts";

/**
 * The largest input under each window, channel by channel. The gradient goes to the first of equal ones.
 *
 * @param poolSize Taps of the window, one number or one an axis; default 2.
 * @param options Strides (by default windows lie side by side) and padding.
 * @returns A layer of `[batch, height, width, channels]` inputs, f32, without weights.
 * @throws {RangeError} when an option is out of range.
 *
 * @example
 * ```ts
 * import { input, maxPooling2d, sequential } from "@millrace/millrace";
 * import assert from "node:assert/strict";
 *
 * const model = sequential([input([28, 28, 3]), maxPooling2d()]);
 * assert.deepEqual(model.outputShape, [14, 14, 3]);
 * ```
 *
 * Keras: `MaxPooling2D`. PyTorch: `nn.MaxPool2d`.
 */
export function maxPooling2d(poolSize: AxisSizes = 2, options: PoolingOptions = {}): Layer {
  return pooling("Max", 2, poolSize, options);
}
