import { ShapeError } from "../graph/errors.ts";
import { iota } from "../graph/leaf.ts";
import { normalizeAxis } from "../graph/shape.ts";
import type { Tensor } from "../graph/tensor.ts";
import { positions } from "./arg_max.ts";
import { cast } from "./cast.ts";
import { equal } from "./equal.ts";
import { expandDims } from "./expand_dims.ts";
import { greater } from "./greater.ts";
import { less } from "./less.ts";
import { logicalAnd, logicalOr } from "./logical.ts";
import { reshape } from "./reshape.ts";
import { select } from "./select.ts";
import { sum } from "./sum.ts";

/** Settings of {@link sort} and {@link argsort}. */
export interface SortOptions {
  /** Whether the largest come first; default false. */
  readonly descending?: boolean;
}

/** What {@link topK} gives. */
export interface TopK {
  /** The largest values, from the largest on. */
  readonly values: Tensor;
  /** Where they stand along the axis, u32. */
  readonly indices: Tensor;
}

/**
 * `x` in order along an axis.
 *
 * Each element is compared with each along the axis, in time and memory that grow with the square of
 * its size: for tens or hundreds. Gradients go back to where values have come from.
 *
 * @param x Rank 1 or more, f32, without NaN.
 * @param axis The axis; default the last.
 * @param options `descending`.
 * @returns The shape of `x`, f32.
 * @throws {ShapeError} when the axis is out of range.
 *
 * @example
 * ```ts
 * import { sort, tensor } from "@millrace/millrace";
 * import assert from "node:assert/strict";
 *
 * assert.deepEqual([...await sort(tensor([3, 1, 2])).data()], [1, 2, 3]);
 * ```
 */
export function sort(x: Tensor, axis = -1, options: SortOptions = {}): Tensor {
  const along = normalizeAxis("sort", axis, x.rank);
  return placed(x, along, x.shape[along], options).values;
}

/**
 * Where along an axis the elements stand that come first, second and so on; of equal ones in their order.
 * See {@link sort} for what it costs.
 *
 * @param x Rank 1 or more, f32, without NaN.
 * @param axis The axis; default the last.
 * @param options `descending`.
 * @returns The shape of `x`, u32.
 * @throws {ShapeError} when the axis is out of range.
 *
 * @example
 * ```ts
 * import { argsort, tensor } from "@millrace/millrace";
 * import assert from "node:assert/strict";
 *
 * assert.deepEqual([...await argsort(tensor([3, 1, 2])).data()], [1, 2, 0]);
 * ```
 */
export function argsort(x: Tensor, axis = -1, options: SortOptions = {}): Tensor {
  const along = normalizeAxis("argsort", axis, x.rank);
  return placed(x, along, x.shape[along], options).indices;
}

/**
 * The `k` largest elements along the last axis, and where they stand; of equal ones the first. See
 * {@link sort} for what it costs.
 *
 * @param x Rank 1 or more, f32, without NaN.
 * @param k How many, from 1 to the size of the axis.
 * @returns Values and indices, each of the shape of `x` with `k` along the last axis.
 * @throws {ShapeError} when `k` is out of range.
 *
 * @example
 * ```ts
 * import { tensor, topK } from "@millrace/millrace";
 * import assert from "node:assert/strict";
 *
 * const { values, indices } = topK(tensor([[1, 9, 4]]), 2);
 * assert.deepEqual([...await values.data()], [9, 4]);
 * assert.deepEqual([...await indices.data()], [1, 2]);
 * ```
 *
 * Keras: `ops.top_k`. PyTorch: `topk`.
 */
export function topK(x: Tensor, k: number): TopK {
  const along = normalizeAxis("topK", -1, x.rank);
  if (!Number.isInteger(k) || k < 1 || k > x.shape[along]) {
    throw new ShapeError(
      `Cannot apply topK as k must be a whole number from 1 to the size of the last axis: received ` +
        `${k} of ${x.shape[along]}`,
    );
  }
  return placed(x, along, k, { descending: true });
}

/** The first `count` elements in order. */
function placed(x: Tensor, axis: number, count: number, { descending }: SortOptions): TopK {
  // Along `axis` the elements, along the axis behind it those they are compared with.
  const [each, other] = [expandDims(x, axis + 1), expandDims(x, axis)];
  const place = positions(x, axis);
  const isEarlier = less(expandDims(place, axis), expandDims(place, axis + 1));
  const isAhead = logicalOr(
    descending ? greater(other, each) : less(other, each),
    logicalAnd(equal(other, each), isEarlier),
  );
  const rank = sum(cast(isAhead, "f32"), axis + 1);
  const wanted = reshape(
    iota([count], 0, "f32"),
    [...x.shape, 1].map((_, at) => at === axis ? count : 1),
  );
  const isWanted = equal(expandDims(rank, axis), wanted);
  const pick = (values: Tensor) => sum(select(isWanted, expandDims(values, axis), 0), axis + 1);
  return { values: pick(x), indices: cast(pick(cast(place, "f32")), "u32") };
}
