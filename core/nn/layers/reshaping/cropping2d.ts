import type { Layer } from "../../layer.ts";
import type { Border } from "./border.ts";
import { cropping } from "./cropping.ts";
import type { PlainOptions } from "./plain.ts";

/**
 * Cuts a frame off a picture.
 *
 * @param sides How many places: one number for all sides, or for each axis one number or one before and
 * one after; default 0.
 * @param options Name and input shape.
 * @returns A layer of `[batch, height, width, channels]` inputs, without weights.
 * @throws {RangeError} when a number is not whole and from 0, or there are too many or too few.
 *
 * @example
 * ```ts
 * import { input, sequential, cropping2d } from "@millrace/millrace";
 * import assert from "node:assert/strict";
 *
 * const model = sequential([input([28, 20, 3]), cropping2d([[1, 2], 3])]);
 * assert.deepEqual(model.outputShape, [25, 14, 3]);
 * ```
 *
 * Keras: `Cropping2D`. PyTorch: slices, or `functional.pad` by negative numbers.
 */
export function cropping2d(sides: Border = 0, options: PlainOptions = {}): Layer {
  return cropping(2, sides, { ...options, cropping: sides });
}
