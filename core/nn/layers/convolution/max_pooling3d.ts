import type { Layer } from "../../layer.ts";
import type { AxisSizes } from "./geometry.ts";
import { pooling, type PoolingOptions } from "./pooling.ts";

/**
 * The largest input under each window, channel by channel. The gradient goes to the first of equal ones.
 *
 * @param poolSize Taps of the window, one number or one an axis; default 2.
 * @param options Strides (by default windows lie side by side) and padding.
 * @returns A layer of `[batch, depth, height, width, channels]` inputs, f32, without weights.
 * @throws {RangeError} when an option is out of range.
 *
 * @example
 * ```ts
 * import { input, maxPooling3d, sequential } from "@millrace/millrace";
 * import assert from "node:assert/strict";
 *
 * const model = sequential([input([4, 6, 8, 3]), maxPooling3d()]);
 * assert.deepEqual(model.outputShape, [2, 3, 4, 3]);
 * ```
 *
 * Keras: `MaxPooling3D`. PyTorch: `nn.MaxPool3d`.
 */
export function maxPooling3d(poolSize: AxisSizes = 2, options: PoolingOptions = {}): Layer {
  return pooling("Max", 3, poolSize, options);
}
