import type { ReductionOperation, ViewOperation } from "../graph/operation.ts";
import { broadcastShapes, normalizeAxes, sameShape, type Shape, sizeOf } from "../graph/shape.ts";
import { ShapeError } from "../graph/errors.ts";
import { commonDType, registerMethod, Tensor } from "../graph/tensor.ts";
import { readAt } from "./indexing.ts";
import { reducedShape, reduceReference } from "./reduction.ts";
import { register } from "./registry.ts";
import { reshape } from "./reshape.ts";
import { sumApart } from "./sum_apart.ts";

// Sum and broadcast stand in one file because each is the other's gradient.

const sumOperation: ReductionOperation = register({
  kind: "reduction",
  name: "sum",
  reducer: "sum",
  infer: ([x], attributes) => ({
    shape: reducedShape(x.shape, attributes.axes as number[]),
    dtype: commonDType("sum", [x], ["f32", "i32", "u32"]),
  }),
  reference: ([x], attributes, output) =>
    reduceReference(x, attributes.axes as number[], output, 0, (a, b) => a + b),
  vjp: (grad, node) => [expandReduced(grad, node)],
});

const broadcastOperation: ViewOperation = register({
  kind: "view",
  name: "broadcastTo",
  infer: ([x], attributes) => ({ shape: attributes.shape as Shape, dtype: x.dtype }),
  reference: ([x], _attributes, output) => {
    const lead = output.shape.length - x.shape.length;
    readAt(x, output, (index) => x.shape.map((size, axis) => size === 1 ? 0 : index[lead + axis]));
  },
  vjp: (grad, node) => [sumTo(grad, node.inputs[0].shape)],
});

/** Puts the axes that a reduction took away back with size 1 and broadcasts to its input. */
export function expandReduced(value: Tensor, node: Tensor): Tensor {
  const axes = node.attributes.axes as number[];
  const shape = node.inputs[0].shape;
  const kept = shape.map((size, axis) => axes.includes(axis) ? 1 : size);
  return broadcastTo(reshape(value, kept), shape);
}

function sumTo(value: Tensor, shape: Shape): Tensor {
  const lead = value.rank - shape.length;
  const axes = value.shape.map((_, axis) => axis)
    .filter((axis) => axis < lead || (shape[axis - lead] === 1 && value.shape[axis] !== 1));
  return axes.length === 0 ? reshape(value, shape) : reshape(sumApart(value, axes), shape);
}

/**
 * Sum of `x` over `axes`.
 *
 * @param x Any shape, f32, i32 or u32.
 * @param axes Axes to sum over, counted from the end when negative; all by default.
 * @param options `keepDims` keeps the axes with size 1; default false.
 * @returns The shape of `x` without `axes`.
 * @throws {ShapeError} when an axis is out of range or given twice.
 *
 * @example
 * ```ts
 * import { sum, tensor } from "@millrace/millrace";
 * import assert from "node:assert/strict";
 *
 * assert.deepEqual([...await sum(tensor([[1, 2], [3, 4]]), 0).data()], [4, 6]);
 * ```
 */
export function sum(
  x: Tensor,
  axes?: number | readonly number[],
  options: { keepDims?: boolean } = {},
): Tensor {
  const normal = normalizeAxes("sum", axes, x.rank);
  const kept = x.shape.map((size, axis) => normal.includes(axis) ? 1 : size);
  const result = normal.length === 0 ? x : Tensor.node(sumOperation, [x], { axes: normal });
  return options.keepDims ? reshape(result, kept) : result;
}
registerMethod("sum", sum);

/**
 * `x` repeated along axes of size 1, and along new axes in front, until it has `shape`.
 *
 * @throws {ShapeError} when a size of `x` is neither 1 nor the wanted one.
 *
 * @example
 * ```ts
 * import { broadcastTo, tensor } from "@millrace/millrace";
 * import assert from "node:assert/strict";
 *
 * assert.deepEqual([...await broadcastTo(tensor([1, 2]), [2, 2]).data()], [1, 2, 1, 2]);
 * ```
 */
export function broadcastTo(x: Tensor, shape: Shape): Tensor {
  if (sameShape(x.shape, shape)) return x;
  if (!sameShape(broadcastShapes("broadcastTo", [x.shape, shape]), shape)) {
    throw new ShapeError(
      `Cannot apply broadcastTo as sizes must be 1 or equal to the wanted ones: ` +
        `received [${x.shape.join(", ")}] to [${shape.join(", ")}]`,
    );
  }
  return Tensor.node(broadcastOperation, [x], { shape });
}

/**
 * Mean of `x` over `axes`.
 *
 * @param x Any shape, f32.
 * @param axes Axes to average over; all by default.
 * @param options `keepDims` keeps the axes with size 1; default false.
 * @returns The shape of `x` without `axes`; over no elements, NaN as in NumPy.
 *
 * @example
 * ```ts
 * import { mean, tensor } from "@millrace/millrace";
 * import assert from "node:assert/strict";
 *
 * assert.deepEqual([...await mean(tensor([[1, 2], [3, 4]]), 1).data()], [1.5, 3.5]);
 * ```
 */
export function mean(
  x: Tensor,
  axes?: number | readonly number[],
  options: { keepDims?: boolean } = {},
): Tensor {
  const total = sum(x, axes, options);
  // Added, as a GPU may take 0 times anything for 0.
  if (x.size === 0) return total.add(NaN);
  const count = sizeOf(x.shape) / sizeOf(total.shape);
  return total.mul(1 / count);
}
registerMethod("mean", mean);
