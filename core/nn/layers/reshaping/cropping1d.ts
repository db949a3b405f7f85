import type { Layer } from "../../layer.ts";
import { type Ends, endsAsBorder } from "./border.ts";
import { cropping } from "./cropping.ts";
import type { PlainOptions } from "./plain.ts";

/**
 * Cuts a frame off a sequence.
 *
 * @param sides How many places: one number for both ends, or one before and one after; default 1.
 * @param options Name and input shape.
 * @returns A layer of `[batch, length, channels]` inputs, without weights.
 * @throws {RangeError} when a number is not whole and from 0, or there are too many or too few.
 *
 * @example
 * ```ts
 * import { input, sequential, cropping1d } from "@millrace/millrace";
 * import assert from "node:assert/strict";
 *
 * const model = sequential([input([20, 8]), cropping1d([3, 0])]);
 * assert.deepEqual(model.outputShape, [17, 8]);
 * ```
 *
 * Keras: `Cropping1D`. PyTorch: slices, or `functional.pad` by negative numbers.
 */
export function cropping1d(sides: Ends = 1, options: PlainOptions = {}): Layer {
  return cropping(1, endsAsBorder(sides), { ...options, cropping: sides });
}
