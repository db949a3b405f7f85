import type { Layer } from "../../layer.ts";
import type { Border } from "./border.ts";
import { cropping } from "./cropping.ts";
import type { PlainOptions } from "./plain.ts";

/**
 * Cuts a frame off a volume.
 *
 * @param sides How many places: one number for all sides, or for each axis one number or one before and
 * one after; default 1.
 * @param options Name and input shape.
 * @returns A layer of `[batch, depth, height, width, channels]` inputs, without weights.
 * @throws {RangeError} when a number is not whole and from 0, or there are too many or too few.
 *
 * @example
 * ```ts
 * import { input, sequential, cropping3d } from "@millrace/millrace";
 * import assert from "node:assert/strict";
 *
 * const model = sequential([input([4, 8, 6, 3]), cropping3d([1, [2, 0], 2])]);
 * assert.deepEqual(model.outputShape, [2, 6, 2, 3]);
 * ```
 *
 * Keras: `Cropping3D`. PyTorch: slices, or `functional.pad` by negative numbers.
 */
export function cropping3d(sides: Border = 1, options: PlainOptions = {}): Layer {
  return cropping(3, sides, { ...options, cropping: sides });
}
