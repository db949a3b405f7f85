import type { Layer } from "../../layer.ts";
import { type Ends, endsAsBorder } from "./border.ts";
import { zeroPadding } from "./padding.ts";
import type { PlainOptions } from "./plain.ts";

/**
 * Puts zeros around a sequence.
 *
 * @param padding How many zeros: one number for both ends, or one before and one after; default 1.
 * @param options Name and input shape.
 * @returns A layer of `[batch, length, channels]` inputs, without weights.
 * @throws {RangeError} when a number is not whole and from 0, or there are too many or too few.
 *
 * @example
 * ```ts
 * import { input, sequential, zeroPadding1d } from "@millrace/millrace";
 * import assert from "node:assert/strict";
 *
 * const model = sequential([input([20, 8]), zeroPadding1d([3, 0])]);
 * assert.deepEqual(model.outputShape, [23, 8]);
 * ```
 *
 * Keras: `ZeroPadding1D`. PyTorch: `nn.ZeroPad2d`, `functional.pad`.
 */
export function zeroPadding1d(padding: Ends = 1, options: PlainOptions = {}): Layer {
  return zeroPadding(1, endsAsBorder(padding), { ...options, padding });
}
