import { DTypeError, ShapeError } from "../graph/errors.ts";
import { formatShape, normalizeAxis } from "../graph/shape.ts";
import type { Tensor } from "../graph/tensor.ts";
import { positions } from "./arg_max.ts";
import { equal } from "./equal.ts";
import { expandDims } from "./expand_dims.ts";
import { select } from "./select.ts";
import { sum } from "./sum.ts";

/**
 * The elements of each line along an axis that stand at places of the line's own: with
 * {@link argsort}'s or {@link topK}'s indices, what stands where the largest are.
 *
 * Each place is compared with each of the axis, so that the gradient, which adds up what goes back to an
 * element, costs as little: for some places of some hundreds.
 *
 * @param x Rank 1 or more, f32.
 * @param indices Places, u32 or i32 from 0, of the shape of `x` but for the axis; elsewhere is 0.
 * @param axis The axis; default the last.
 * @returns The shape of `indices`, f32.
 * @throws {ShapeError} when the shapes differ beside the axis.
 * @throws {DTypeError} when indices are not whole numbers.
 *
 * @example
 * ```ts
 * import { takeAlongAxis, tensor } from "@millrace/millrace";
 * import assert from "node:assert/strict";
 *
 * const labels = tensor([[2], [0]], { dtype: "u32" });
 * const picked = takeAlongAxis(tensor([[1, 2, 3], [4, 5, 6]]), labels);
 * assert.deepEqual([...await picked.data()], [3, 4]);
 * ```
 *
 * NumPy, Keras: `take_along_axis`. PyTorch: `gather`.
 */
export function takeAlongAxis(x: Tensor, indices: Tensor, axis = -1): Tensor {
  const along = normalizeAxis("takeAlongAxis", axis, x.rank);
  if (indices.dtype !== "u32" && indices.dtype !== "i32") {
    throw new DTypeError(
      `Cannot apply takeAlongAxis as indices must be u32 or i32: received ${indices.dtype}`,
    );
  }
  const fits = indices.rank === x.rank &&
    x.shape.every((size, place) => place === along || size === indices.shape[place]);
  if (!fits) {
    throw new ShapeError(
      `Cannot apply takeAlongAxis along axis ${along} as the other sizes must be equal: received ` +
        `${formatShape(x.shape)} and indices ${formatShape(indices.shape)}`,
    );
  }
  // Along `along` the places that are asked for, along the axis behind it those that there are.
  const isThere = equal(
    expandDims(indices, along + 1),
    expandDims(positions(x, along, indices.dtype), along),
  );
  return sum(select(isThere, expandDims(x, along), 0), along + 1);
}
