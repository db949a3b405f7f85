import type { Layer } from "../../layer.ts";
import type { AxisSizes } from "./geometry.ts";
import { pooling, type PoolingOptions } from "./pooling.ts";

/**
 * The mean of the inputs under each window, channel by channel. Places outside of the input do not count.
 *
 * @param poolSize Taps of the window, one number or one an axis; default 2.
 * @param options Strides (by default windows lie side by side) and padding.
 * @returns A layer of `[batch, depth, height, width, channels]` inputs, f32, without weights.
 * @throws {RangeError} when an option is out of range.
 *
 * @example
 * ```ts
 * import { input, averagePooling3d, sequential } from "@millrace/millrace";
 * import assert from "node:assert/strict";
 *
 * const model = sequential([input([4, 6, 8, 3]), averagePooling3d()]);
 * assert.deepEqual(model.outputShape, [2, 3, 4, 3]);
 * ```
 *
 * Keras: `AveragePooling3D`. PyTorch: `nn.AvgPool3d`, which counts zeros around the input unless `count_include_pad=False`.
 */
export function averagePooling3d(poolSize: AxisSizes = 2, options: PoolingOptions = {}): Layer {
  return pooling("Average", 3, poolSize, options);
}
