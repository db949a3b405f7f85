import type { Layer } from "../../layer.ts";
import type { AxisSizes } from "../convolution/geometry.ts";
import type { PlainOptions } from "./plain.ts";
import { upSampling } from "./up_sampling.ts";

/**
 * Makes a volume larger: every place is repeated.
 *
 * @param size How many places for one, from 1, one number or one an axis; default 2.
 * @param options Name and input shape.
 * @returns A layer of `[batch, depth, height, width, channels]` inputs, without weights.
 * @throws {RangeError} when an option is out of range.
 *
 * @example
 * ```ts
 * import { input, sequential, upSampling3d } from "@millrace/millrace";
 * import assert from "node:assert/strict";
 *
 * const model = sequential([input([4, 8, 6, 3]), upSampling3d([1, 2, 3])]);
 * assert.deepEqual(model.outputShape, [4, 16, 18, 3]);
 * ```
 *
 * Keras: `UpSampling3D`. PyTorch: `nn.Upsample`.
 */
export function upSampling3d(size: AxisSizes = 2, options: PlainOptions = {}): Layer {
  return upSampling(3, size, options);
}
