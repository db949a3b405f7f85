import { ShapeError } from "../graph/errors.ts";
import { literal } from "../graph/leaf.ts";
import { formatShape, normalizeAxis, sameShape } from "../graph/shape.ts";
import type { Tensor } from "../graph/tensor.ts";
import { concat, slice } from "./concat.ts";
import { expandDims } from "./expand_dims.ts";
import { broadcastTo } from "./sum.ts";

// Compositions of slice and concat.

/**
 * Tensors of one shape, laid along a new axis.
 *
 * @param tensors One or more, of one shape and type.
 * @param axis Place of the new axis in the result; default 0.
 * @throws {ShapeError} when there is none, or shapes differ.
 *
 * @example
 * ```ts
 * import { stack, tensor } from "@millrace/millrace";
 * import assert from "node:assert/strict";
 *
 * assert.deepEqual([...await stack([tensor([1, 2]), tensor([3, 4])], 1).data()], [1, 3, 2, 4]);
 * ```
 */
export function stack(tensors: readonly Tensor[], axis = 0): Tensor {
  if (tensors.length === 0 || tensors.some(({ shape }) => !sameShape(shape, tensors[0].shape))) {
    throw new ShapeError(
      `Cannot apply stack as it needs one tensor or more, all of one shape: received ` +
        (tensors.map((tensor) => formatShape(tensor.shape)).join(", ") || "none"),
    );
  }
  const place = normalizeAxis("stack", axis, tensors[0].rank + 1);
  return concat(tensors.map((tensor) => expandDims(tensor, place)), place);
}

/**
 * `x` cut into parts along `axis`.
 *
 * @param x Rank 1 or more, any type.
 * @param parts Number of equal parts, or the size of each.
 * @param axis Axis to cut; default 0.
 * @throws {ShapeError} when the parts do not add up to the size of the axis.
 *
 * @example
 * ```ts
 * import { split, tensor } from "@millrace/millrace";
 * import assert from "node:assert/strict";
 *
 * const [head, tail] = split(tensor([1, 2, 3]), [1, 2]);
 * assert.deepEqual([[...await head.data()], [...await tail.data()]], [[1], [2, 3]]);
 * ```
 */
export function split(x: Tensor, parts: number | readonly number[], axis = 0): Tensor[] {
  const along = normalizeAxis("split", axis, x.rank);
  const size = x.shape[along];
  const sizes = typeof parts === "number"
    ? new Array<number>(Math.max(0, Math.floor(parts))).fill(size / parts)
    : parts;
  const whole = sizes.every((part) => Number.isInteger(part) && part >= 0);
  if (!whole || sizes.reduce((total, part) => total + part, 0) !== size) {
    throw new ShapeError(
      `Cannot apply split along axis ${along} as the parts must be whole and add up to ${size}: ` +
        `received ${typeof parts === "number" ? `${parts} parts` : formatShape(parts)} of ${
          formatShape(x.shape)
        }`,
    );
  }
  let start = 0;
  return sizes.map((part) => {
    const begin = x.shape.map((_, place) => place === along ? start : 0);
    start += part;
    return slice(x, begin, x.shape.with(along, start));
  });
}

/**
 * `x` with `value` put before and after it along each axis.
 *
 * @param x Any shape, any type but u8.
 * @param widths For each axis, how many elements before and after.
 * @param value What is put there; default 0.
 * @throws {ShapeError} when there is not one pair of whole numbers from 0 an axis.
 *
 * @example
 * ```ts
 * import { pad, tensor } from "@millrace/millrace";
 * import assert from "node:assert/strict";
 *
 * assert.deepEqual([...await pad(tensor([1, 2]), [[1, 2]], 9).data()], [9, 1, 2, 9, 9]);
 * ```
 */
export function pad(
  x: Tensor,
  widths: readonly (readonly [before: number, after: number])[],
  value = 0,
): Tensor {
  if (
    widths.length !== x.rank ||
    !widths.every((pair) => pair.length === 2 && pair.every((n) => Number.isInteger(n) && n >= 0))
  ) {
    throw new ShapeError(
      `Cannot apply pad as widths must be a pair of whole numbers from 0 for each axis: received ` +
        `[${widths.map((pair) => formatShape(pair)).join(", ")}] for ${formatShape(x.shape)}`,
    );
  }
  return widths.reduce((inner, [before, after], axis) => {
    const filler = (size: number) =>
      broadcastTo(literal(value, x.dtype), inner.shape.with(axis, size));
    return concat([filler(before), inner, filler(after)], axis);
  }, x);
}
