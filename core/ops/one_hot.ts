import { iota } from "../graph/leaf.ts";
import { DTypeError, ShapeError } from "../graph/errors.ts";
import type { Tensor } from "../graph/tensor.ts";
import { cast } from "./cast.ts";
import { equal } from "./equal.ts";
import { reshape } from "./reshape.ts";

/** True where the class, counted along a new last axis, is the label; bool `[..., classes]`. */
export function isClass(operation: string, labels: Tensor, classes: number): Tensor {
  if (labels.dtype !== "u32" && labels.dtype !== "i32") {
    throw new DTypeError(
      `Cannot apply ${operation} as labels must be u32 or i32: received ${labels.dtype} ` +
        `(convert with cast)`,
    );
  }
  if (!Number.isSafeInteger(classes) || classes < 1) {
    throw new ShapeError(
      `Cannot apply ${operation} as the number of classes must be a whole number from 1: ` +
        `received ${classes}`,
    );
  }
  return equal(reshape(labels, [...labels.shape, 1]), iota([classes], 0, labels.dtype));
}

/**
 * Vectors with 1 at the label and 0 elsewhere; a label out of range gives zeros.
 *
 * @param labels `[...]`, u32 or i32, in [0, classes).
 * @param classes Length of the new last axis, from 1.
 * @returns `[..., classes]`, f32.
 * @throws {DTypeError} when labels are not whole numbers.
 * @throws {ShapeError} when `classes` is not a whole number from 1.
 *
 * @example
 * ```ts
 * import { oneHot, tensor } from "@millrace/millrace";
 * import assert from "node:assert/strict";
 *
 * const labels = tensor([2, 0], { dtype: "u32" });
 * assert.deepEqual([...await oneHot(labels, 3).data()], [0, 0, 1, 1, 0, 0]);
 * ```
 */
export function oneHot(labels: Tensor, classes: number): Tensor {
  return cast(isClass("oneHot", labels, classes), "f32");
}
