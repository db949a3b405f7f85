import { iota } from "../graph/leaf.ts";
import { normalizeAxis } from "../graph/shape.ts";
import { registerMethod, type Tensor } from "../graph/tensor.ts";
import { equal } from "./equal.ts";
import { max, min } from "./max.ts";
import { reshape } from "./reshape.ts";
import { select } from "./select.ts";

/** Position along `axis`, shaped so that it broadcasts with `x`. */
export function positions(x: Tensor, axis: number, dtype: "u32" | "i32" = "u32"): Tensor {
  const line = iota([x.shape[axis]], 0, dtype);
  return reshape(line, x.shape.map((size, place) => place === axis ? size : 1));
}

function firstPosition(x: Tensor, extreme: Tensor, axis: number): Tensor {
  // The last position stands for "not here": it is the answer only where no earlier one is equal.
  const last = x.shape[axis] - 1;
  return min(select(equal(x, extreme), positions(x, axis), last), axis);
}

/**
 * Index of the largest value along `axis`; the first of equals.
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
 * ```
 */
export function argMax(x: Tensor, axis = -1): Tensor {
  const normal = normalizeAxis("argMax", axis, x.rank);
  return firstPosition(x, max(x, normal, { keepDims: true }), normal);
}
registerMethod("argMax", argMax);

/**
 * Index of the smallest value along `axis`; the first of equals.
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
 * ```
 */
export function argMin(x: Tensor, axis = -1): Tensor {
  const normal = normalizeAxis("argMin", axis, x.rank);
  return firstPosition(x, min(x, normal, { keepDims: true }), normal);
}
