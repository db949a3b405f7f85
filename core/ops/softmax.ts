import type { CompositeOperation, ReferenceArray } from "../graph/operation.ts";
import { normalizeAxis, sizeOf } from "../graph/shape.ts";
import { commonDType, registerMethod, Tensor } from "../graph/tensor.ts";
import { div } from "./div.ts";
import { exp } from "./exp.ts";
import { log } from "./log.ts";
import { max } from "./max.ts";
import { mul } from "./mul.ts";
import { register } from "./registry.ts";
import { sub } from "./sub.ts";
import { sum } from "./sum.ts";

/** Calls `visit` with the positions of each line of `array` along `axis`. */
function forEachLine(
  array: ReferenceArray,
  axis: number,
  visit: (positions: readonly number[]) => void,
): void {
  const length = array.shape[axis];
  const inner = sizeOf(array.shape.slice(axis + 1));
  for (let line = 0; length > 0 && line < array.data.length / length; line++) {
    const start = Math.floor(line / inner) * inner * length + line % inner;
    visit(Array.from({ length }, (_, place) => start + place * inner));
  }
}

/** eˣ over its sum, a line at a time; `finish` turns shifted value and sum into the result. */
function softmaxReference(
  [x]: readonly ReferenceArray[],
  axis: number,
  output: ReferenceArray,
  finish: (shifted: number, total: number) => number,
): void {
  forEachLine(x, axis, (line) => {
    const largest = line.reduce((value, at) => Math.max(value, x.data[at]), -Infinity);
    const total = line.reduce((value, at) => value + Math.exp(x.data[at] - largest), 0);
    for (const at of line) output.data[at] = finish(x.data[at] - largest, total);
  });
}

const keepDims = { keepDims: true };

const softmaxOperation: CompositeOperation = register({
  kind: "composite",
  name: "softmax",
  infer: ([x]) => ({ shape: x.shape, dtype: commonDType("softmax", [x], ["f32"]) }),
  reference: (inputs, attributes, output) =>
    softmaxReference(
      inputs,
      attributes.axis as number,
      output,
      (shifted, total) => Math.exp(shifted) / total,
    ),
  vjp: (grad, node) => {
    const axis = node.attributes.axis as number;
    return [mul(node, sub(grad, sum(mul(grad, node), axis, keepDims)))];
  },
  expand: ([x], attributes) => {
    if (x.size === 0) return x;
    const axis = attributes.axis as number;
    const powers = exp(sub(x, max(x, axis, keepDims)));
    return div(powers, sum(powers, axis, keepDims));
  },
});

const logSoftmaxOperation: CompositeOperation = register({
  kind: "composite",
  name: "logSoftmax",
  infer: ([x]) => ({ shape: x.shape, dtype: commonDType("logSoftmax", [x], ["f32"]) }),
  reference: (inputs, attributes, output) =>
    softmaxReference(
      inputs,
      attributes.axis as number,
      output,
      (shifted, total) => shifted - Math.log(total),
    ),
  vjp: (grad, node) => {
    const axis = node.attributes.axis as number;
    return [sub(grad, mul(softmax(node.inputs[0], axis), sum(grad, axis, keepDims)))];
  },
  expand: ([x], attributes) => {
    if (x.size === 0) return x;
    const axis = attributes.axis as number;
    const shifted = sub(x, max(x, axis, keepDims));
    return sub(shifted, log(sum(exp(shifted), axis, keepDims)));
  },
});

/**
 * Softmax eˣ / Σ eˣ along `axis`, without overflow: the largest value is taken off first.
 *
 * @param x Rank 1 or more, f32.
 * @param axis Axis that sums to 1; default the last.
 * @returns The shape of `x`, f32, in [0, 1].
 * @throws {ShapeError} when `axis` is out of range.
 *
 * @example
 * ```ts
 * import { softmax, tensor } from "@millrace/millrace";
 * import assert from "node:assert/strict";
 *
 * assert.deepEqual([...await softmax(tensor([[7, 7], [1000, 0]])).data()], [0.5, 0.5, 1, 0]);
 * ```
 */
export function softmax(x: Tensor, axis = -1): Tensor {
  return Tensor.node(softmaxOperation, [x], { axis: normalizeAxis("softmax", axis, x.rank) });
}
registerMethod("softmax", softmax);

/**
 * Logarithm of the softmax along `axis`: x − log Σ eˣ.
 *
 * @param x Rank 1 or more, f32.
 * @param axis Axis whose exponentials sum to 1; default the last.
 * @returns The shape of `x`, f32, at most 0.
 * @throws {ShapeError} when `axis` is out of range.
 *
 * @example
 * ```ts
 * import { logSoftmax, tensor } from "@millrace/millrace";
 * import assert from "node:assert/strict";
 *
 * const [value] = await logSoftmax(tensor([7, 7])).data();
 * assert.ok(Math.abs(value + Math.LN2) < 1e-6);
 * ```
 */
export function logSoftmax(x: Tensor, axis = -1): Tensor {
  return Tensor.node(logSoftmaxOperation, [x], { axis: normalizeAxis("logSoftmax", axis, x.rank) });
}
registerMethod("logSoftmax", logSoftmax);
