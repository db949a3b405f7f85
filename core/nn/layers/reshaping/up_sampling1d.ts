import type { Layer } from "../../layer.ts";
import type { AxisSizes } from "../convolution/geometry.ts";
import type { PlainOptions } from "./plain.ts";
import { upSampling } from "./up_sampling.ts";

/**
 * Makes a sequence larger: every place is repeated.
 *
 * @param size How many places for one, from 1, one number or one an axis; default 2.
 * @param options Name and input shape.
 * @returns A layer of `[batch, length, channels]` inputs, without weights.
 * @throws {RangeError} when an option is out of range.
 *
 * @example
 * ```ts
 * import { input, sequential, upSampling1d } from "@millrace/millrace";
 * import assert from "node:assert/strict";
 *
 * const model = sequential([input([20, 8]), upSampling1d(3)]);
 * assert.deepEqual(model.outputShape, [60, 8]);
 * ```
 *
 * Keras: `UpSampling1D`. PyTorch: `nn.Upsample`.
 */
export function upSampling1d(size: AxisSizes = 2, options: PlainOptions = {}): Layer {
  return upSampling(1, size, options);
}
