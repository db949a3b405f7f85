import type { Layer } from "../../layer.ts";
import type { Border } from "./border.ts";
import { zeroPadding } from "./padding.ts";
import type { PlainOptions } from "./plain.ts";

/**
 * Puts zeros around a picture.
 *
 * @param padding How many zeros: one number for all sides, or for each axis one number or one before and
 * one after; default 1.
 * @param options Name and input shape.
 * @returns A layer of `[batch, height, width, channels]` inputs, without weights.
 * @throws {RangeError} when a number is not whole and from 0, or there are too many or too few.
 *
 * @example
 * ```ts
 * import { input, sequential, zeroPadding2d } from "@millrace/millrace";
 * import assert from "node:assert/strict";
 *
 * const model = sequential([input([28, 20, 3]), zeroPadding2d([[1, 2], 3])]);
 * assert.deepEqual(model.outputShape, [31, 26, 3]);
 * ```
 *
 * Keras: `ZeroPadding2D`. PyTorch: `nn.ZeroPad2d`, `functional.pad`.
 */
export function zeroPadding2d(padding: Border = 1, options: PlainOptions = {}): Layer {
  return zeroPadding(2, padding, { ...options, padding });
}
