import { ShapeError } from "../graph/errors.ts";
import { iota } from "../graph/leaf.ts";
import type { CompositeOperation } from "../graph/operation.ts";
import { normalizeAxis } from "../graph/shape.ts";
import { commonDType, Tensor } from "../graph/tensor.ts";
import { add } from "./add.ts";
import { slice } from "./concat.ts";
import { gather } from "./gather.ts";
import { less } from "./less.ts";
import { minimum } from "./minimum.ts";
import { mul } from "./mul.ts";
import { register } from "./registry.ts";
import { reshape } from "./reshape.ts";
import { select } from "./select.ts";
import { sortedLines } from "./sorted_runs.ts";
import { transpose } from "./transpose.ts";

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
 * Runs of 64 elements are sorted by comparing each with each, and then merged: n log² n comparisons at
 * most, the same places on every device. Equal elements keep their order, −0 and 0 are equal, and NaN is
 * larger than all numbers, as in jax.numpy. Gradients go back to where values have come from.
 *
 * @param x Rank 1 or more, f32.
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
 * @param x Rank 1 or more, f32.
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
 * @param x Rank 1 or more, f32.
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

/** The elements of `[x, order, places]` that come first, `[lines, count]`; each line's order is whole. */
const inOrderOperation: CompositeOperation = register<CompositeOperation>({
  kind: "composite",
  name: "inOrder",
  infer: ([x], attributes) => ({
    shape: [x.shape[0], attributes.count as number],
    dtype: commonDType("sort", [x], ["f32"]),
  }),
  reference: ([x, order], attributes, output) => {
    const [size, count] = [x.shape[1], attributes.count as number];
    for (let e = 0; e < output.data.length; e++) {
      const [line, place] = [Math.floor(e / count), e % count];
      output.data[e] = x.data[line * size + order.data[line * size + place]];
    }
  },
  expand: ([x, order], attributes) =>
    picked(x, slice(order, [0, 0], [x.shape[0], attributes.count as number])),
  vjp: (grad, node) => {
    const places = node.inputs[2];
    const count = grad.shape[1];
    const given = picked(grad, minimum(places, count - 1));
    return [select(less(places, count), given, 0), null, null];
  },
});

/** `x[line, places[line, i]]`, of `[lines, n]` and `[lines, count]`. */
function picked(x: Tensor, places: Tensor): Tensor {
  const [lines, size] = x.shape;
  const flat = add(places, mul(iota([lines, 1], 0), size));
  return reshape(gather(reshape(x, [x.size]), reshape(flat, [flat.size])), places.shape);
}

/** The first `count` elements in order. */
function placed(x: Tensor, axis: number, count: number, { descending }: SortOptions): TopK {
  const axes = x.shape.map((_, at) => at).filter((at) => at !== axis);
  const last = transpose(x, [...axes, axis]);
  const size = x.shape[axis];
  const lines = reshape(last, [size === 0 ? 0 : x.size / size, size]);
  const { order, places } = sortedLines(lines, descending ?? false);
  const back = (found: Tensor) =>
    transpose(
      reshape(found, last.shape.with(-1, count)),
      x.shape.map((_, at) => at === axis ? axes.length : axes.indexOf(at)),
    );
  return {
    values: back(Tensor.node(inOrderOperation, [lines, order, places], { count })),
    indices: back(slice(order, [0, 0], [lines.shape[0], count])),
  };
}
