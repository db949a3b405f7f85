import type { ViewOperation } from "../graph/operation.ts";
import { normalizeAxes } from "../graph/shape.ts";
import { ShapeError } from "../graph/errors.ts";
import { registerMethod, Tensor } from "../graph/tensor.ts";
import { readAt } from "./indexing.ts";
import { register } from "./registry.ts";

const transposeOperation: ViewOperation = register({
  kind: "view",
  name: "transpose",
  infer: ([x], attributes) => ({
    shape: (attributes.axes as number[]).map((axis) => x.shape[axis]),
    dtype: x.dtype,
  }),
  reference: ([x], attributes, output) => {
    const axes = attributes.axes as number[];
    readAt(x, output, (index) => x.shape.map((_, axis) => index[axes.indexOf(axis)]));
  },
  vjp: (grad, node) => {
    const axes = node.attributes.axes as number[];
    return [transpose(grad, axes.map((_, axis) => axes.indexOf(axis)))];
  },
});

/**
 * `x` with its axes in another order.
 *
 * @param x Any shape and type.
 * @param axes For each axis of the result, the axis of `x`; by default all reversed.
 * @throws {ShapeError} when `axes` is not a permutation.
 *
 * @example
 * ```ts
 * import { tensor, transpose } from "@millrace/millrace";
 * import assert from "node:assert/strict";
 *
 * assert.deepEqual([...await transpose(tensor([[1, 2], [3, 4]])).data()], [1, 3, 2, 4]);
 * ```
 */
export function transpose(x: Tensor, axes?: readonly number[]): Tensor {
  const order = axes
    ? axes.map((axis) => axis < 0 ? axis + x.rank : axis)
    : x.shape.map((_, axis) => x.rank - 1 - axis);
  if (normalizeAxes("transpose", order, x.rank).length !== x.rank) {
    throw new ShapeError(
      `Cannot apply transpose as axes must name each of the ${x.rank} axes once: ` +
        `received ${order.join(", ")}`,
    );
  }
  if (order.every((axis, place) => axis === place)) return x;
  return Tensor.node(transposeOperation, [x], { axes: order });
}
registerMethod("transpose", transpose);

/** `x` with its last two axes exchanged. */
export function swapLastAxes(x: Tensor): Tensor {
  const axes = x.shape.map((_, axis) => axis);
  [axes[x.rank - 2], axes[x.rank - 1]] = [x.rank - 1, x.rank - 2];
  return transpose(x, axes);
}
