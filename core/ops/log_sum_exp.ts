import type { CompositeOperation } from "../graph/operation.ts";
import { normalizeAxes } from "../graph/shape.ts";
import { commonDType, registerMethod, Tensor } from "../graph/tensor.ts";
import { add } from "./add.ts";
import { exp } from "./exp.ts";
import { isFinite } from "./is_finite.ts";
import { log } from "./log.ts";
import { max } from "./max.ts";
import { mul } from "./mul.ts";
import { reducedShape, reduceReference } from "./reduction.ts";
import { register } from "./registry.ts";
import { reshape } from "./reshape.ts";
import { select } from "./select.ts";
import { sub } from "./sub.ts";
import { expandReduced, sum } from "./sum.ts";

const logSumExpOperation: CompositeOperation = register({
  kind: "composite",
  name: "logSumExp",
  infer: ([x], attributes) => ({
    shape: reducedShape(x.shape, attributes.axes as number[]),
    dtype: commonDType("logSumExp", [x], ["f32"]),
  }),
  reference: ([x], attributes, output) =>
    reduceReference(x, attributes.axes as number[], output, -Infinity, logAddExp),
  vjp: (grad, node) => [
    mul(expandReduced(grad, node), exp(sub(node.inputs[0], expandReduced(node, node)))),
  ],
  expand: ([x], attributes) => {
    const axes = attributes.axes as number[];
    if (x.size === 0) return sub(sum(x, axes), Infinity);
    const largest = max(x, axes, { keepDims: true });
    // Only a finite maximum may be taken off: Infinity − Infinity is NaN.
    const shift = select(isFinite(largest), largest, 0);
    const total = sum(exp(sub(x, shift)), axes);
    return add(log(total), reshape(shift, total.shape));
  },
});

/** log(eᵃ + eᵇ) in float64: adding one at a time needs no second pass, unlike the device's way. */
function logAddExp(a: number, b: number): number {
  if (a === b) return a + Math.LN2;
  return Math.max(a, b) + Math.log1p(Math.exp(-Math.abs(a - b)));
}

/**
 * log Σ eˣ over `axes`, without overflow: the largest value is taken off first.
 *
 * @param x Rank 1 or more, f32.
 * @param axes Axes to sum over; default the last.
 * @param options `keepDims` keeps the axes with size 1; default false.
 * @returns The shape of `x` without `axes`, f32; over no elements, −Infinity.
 * @throws {ShapeError} when an axis is out of range, given twice or empty.
 *
 * @example
 * ```ts
 * import { logSumExp, tensor } from "@millrace/millrace";
 * import assert from "node:assert/strict";
 *
 * const [value] = await logSumExp(tensor([1000, 1000])).data();
 * assert.ok(Math.abs(value - 1000.6931) < 1e-3);
 * ```
 */
export function logSumExp(
  x: Tensor,
  axes: number | readonly number[] = -1,
  options: { keepDims?: boolean } = {},
): Tensor {
  const normal = normalizeAxes("logSumExp", axes, x.rank);
  const kept = x.shape.map((size, axis) => normal.includes(axis) ? 1 : size);
  const result = normal.length === 0 ? x : Tensor.node(logSumExpOperation, [x], { axes: normal });
  return options.keepDims ? reshape(result, kept) : result;
}
registerMethod("logSumExp", logSumExp);
