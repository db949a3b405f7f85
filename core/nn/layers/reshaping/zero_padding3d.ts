import type { Layer } from "../../layer.ts";
import type { Border } from "./border.ts";
import { zeroPadding } from "./padding.ts";
import type { PlainOptions } from "./plain.ts";

/**
 * Puts zeros around a volume.
 *
 * @param padding How many zeros: one number for all sides, or for each axis one number or one before and
 * one after; default 1.
 * @param options Name and input shape.
 * @returns A layer of `[batch, depth, height, width, channels]` inputs, without weights.
 * @throws {RangeError} when a number is not whole and from 0, or there are too many or too few.
 *
 * @example
 * ```ts
 * import { input, sequential, zeroPadding3d } from "@millrace/millrace";
 * import assert from "node:assert/strict";
 *
 * const model = sequential([input([4, 8, 6, 3]), zeroPadding3d([1, [2, 0], 2])]);
 * assert.deepEqual(model.outputShape, [6, 10, 10, 3]);
 * ```
 *
 * Keras: `ZeroPadding3D`. PyTorch: `nn.ZeroPad2d`, `functional.pad`.
 */
export function zeroPadding3d(padding: Border = 1, options: PlainOptions = {}): Layer {
  return zeroPadding(3, padding, { ...options, padding });
}
