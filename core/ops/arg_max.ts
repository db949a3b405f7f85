import { iota } from "../graph/leaf.ts";
import { normalizeAxis } from "../graph/shape.ts";
import { registerMethod, type Tensor } from "../graph/tensor.ts";
import { equal } from "./equal.ts";
import { isNaN } from "./is_nan.ts";
import { max, min } from "./max.ts";
import { reshape } from "./reshape.ts";
import { select } from "./select.ts";

/** Position along `axis`, shaped so that it broadcasts with `x`. */
export function positions(x: Tensor, axis: number, dtype: "u32" | "i32" = "u32"): Tensor {
  const line = iota([x.shape[axis]], 0, dtype);
  return reshape(line, x.shape.map((size, place) => place === axis ? size : 1));
}

/** Where the extreme is along an axis; devices may pass over a NaN, so it is made one that they see. */
function firstPosition(given: Tensor, axis: number, find: typeof max, most: number): Tensor {
  const x = given.dtype === "f32" ? select(isNaN(given), most, given) : given;
  const extreme = find(x, axis, { keepDims: true });
  // The last position stands for "not here": it is the answer only where no earlier one is equal.
  const last = x.shape[axis] - 1;
  return min(select(equal(x, extreme), positions(x, axis), last), axis);
}

/**
 * Index of the largest value along `axis`; the first of equals. A NaN counts as Infinity.
 *
 * @param x Rank 1 or more, f32, i32 or u32.
 * @param axis Axis to search along; default the last.
 * @returns The shape of `x` without `axis`, u32. No gradient flows through it.
 * @throws {ShapeError} when `axis` is out of range or empty.
 *
 * @example
 * ```ts
 * import { argMax, tensor } from "@millrace/millrace";
 * import assert from "node:assert/strict";
 *
 * assert.deepEqual([...await argMax(tensor([[1, 5, 5], [3, 2, 1]])).data()], [1, 0]);
 * assert.deepEqual([...await argMax(tensor([1, NaN, 5])).data()], [1]);
 * ```
 *
 * NumPy, Keras, PyTorch: `argmax`; where there is a NaN they give its place, too.
 */
export function argMax(x: Tensor, axis = -1): Tensor {
  const normal = normalizeAxis("argMax", axis, x.rank);
  return firstPosition(x, normal, max, Infinity);
}
registerMethod("argMax", argMax);

/**
 * Index of the smallest value along `axis`; the first of equals. A NaN counts as −Infinity.
 *
 * @param x Rank 1 or more, f32, i32 or u32.
 * @param axis Axis to search along; default the last.
 * @returns The shape of `x` without `axis`, u32. No gradient flows through it.
 * @throws {ShapeError} when `axis` is out of range or empty.
 *
 * @example
 * ```ts
 * import { argMin, tensor } from "@millrace/millrace";
 * import assert from "node:assert/strict";
 *
 * assert.deepEqual([...await argMin(tensor([[1, 5, 1], [3, 2, 9]])).data()], [0, 1]);
 * assert.deepEqual([...await argMin(tensor([1, NaN, -5])).data()], [1]);
 * ```
 *
 * NumPy, Keras, PyTorch: `argmin`; where there is a NaN they give its place, too.
 */
export function argMin(x: Tensor, axis = -1): Tensor {
  const normal = normalizeAxis("argMin", axis, x.rank);
  return firstPosition(x, normal, min, -Infinity);
}
