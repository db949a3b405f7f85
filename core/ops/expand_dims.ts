import { ShapeError } from "../graph/errors.ts";
import { formatShape, normalizeAxes, normalizeAxis } from "../graph/shape.ts";
import type { Tensor } from "../graph/tensor.ts";
import { reshape } from "./reshape.ts";

/**
 * `x` with a new axis of size 1 at `axis`.
 *
 * @param x Any shape and type.
 * @param axis Place of the new axis in the result; default −1, behind all others.
 * @throws {ShapeError} when `axis` is out of range.
 *
 * @example
 * ```ts
 * import { expandDims, tensor } from "@millrace/millrace";
 * import assert from "node:assert/strict";
 *
 * assert.deepEqual(expandDims(tensor([1, 2]), 0).shape, [1, 2]);
 * ```
 */
export function expandDims(x: Tensor, axis = -1): Tensor {
  const place = normalizeAxis("expandDims", axis, x.rank + 1);
  return reshape(x, x.shape.toSpliced(place, 0, 1));
}

/**
 * `x` without axes of size 1.
 *
 * @param x Any shape and type.
 * @param axes Axes to leave out; by default all of size 1.
 * @throws {ShapeError} when an axis is out of range or has another size.
 *
 * @example
 * ```ts
 * import { squeeze, tensor } from "@millrace/millrace";
 * import assert from "node:assert/strict";
 *
 * assert.deepEqual(squeeze(tensor([[[1], [2]]])).shape, [2]);
 * ```
 */
export function squeeze(x: Tensor, axes?: number | readonly number[]): Tensor {
  const ones = x.shape.map((_, axis) => axis).filter((axis) => x.shape[axis] === 1);
  const gone = axes === undefined ? ones : normalizeAxes("squeeze", axes, x.rank);
  if (gone.some((axis) => x.shape[axis] !== 1)) {
    throw new ShapeError(
      `Cannot apply squeeze as axes that go must have size 1: received axes ${gone.join(", ")} of ${
        formatShape(x.shape)
      }`,
    );
  }
  return reshape(x, x.shape.filter((_, axis) => !gone.includes(axis)));
}
