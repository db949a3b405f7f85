import { DTypeError, ShapeError } from "../graph/errors.ts";
import type { CompositeOperation, ReferenceArray } from "../graph/operation.ts";
import { formatShape, sameShape } from "../graph/shape.ts";
import { commonDType, Tensor } from "../graph/tensor.ts";
import { cast } from "./cast.ts";
import { exp } from "./exp.ts";
import { log } from "./log.ts";
import { max } from "./max.ts";
import { mul } from "./mul.ts";
import { neg } from "./neg.ts";
import { isClass } from "./one_hot.ts";
import { register } from "./registry.ts";
import { reshape } from "./reshape.ts";
import { select } from "./select.ts";
import { logSoftmax, softmax } from "./softmax.ts";
import { sub } from "./sub.ts";
import { sum } from "./sum.ts";

const keepDims = { keepDims: true };

/** `value` `[...]` with an axis of size 1 behind. */
const column = (value: Tensor) => reshape(value, [...value.shape, 1]);

/** −log softmax of class `at` in row `row` of `logits`. */
function surprise(logits: ReferenceArray, row: number, at: number): number {
  const classes = logits.shape[logits.shape.length - 1];
  const values = logits.data.subarray(row * classes, (row + 1) * classes);
  const largest = Math.max(...values);
  const total = values.reduce((value, logit) => value + Math.exp(logit - largest), 0);
  return Math.log(total) - (at in values ? values[at] - largest : 0);
}

const denseOperation: CompositeOperation = register({
  kind: "composite",
  name: "softmaxCrossEntropy",
  infer: ([logits, targets]) => ({
    shape: logits.shape.slice(0, -1),
    dtype: commonDType("softmaxCrossEntropy", [logits, targets], ["f32"]),
  }),
  reference: ([logits, targets], _attributes, output) => {
    const classes = logits.shape[logits.shape.length - 1];
    for (let row = 0; row < output.data.length; row++) {
      for (let at = 0; at < classes; at++) {
        output.data[row] += targets.data[row * classes + at] * surprise(logits, row, at);
      }
    }
  },
  vjp: (grad, node) => {
    const [logits, targets] = node.inputs;
    // Targets that sum to 1 make it (softmax − targets)·grad; the sum keeps it right for others.
    const slope = sub(mul(softmax(logits), sum(targets, -1, keepDims)), targets);
    return [mul(slope, column(grad)), neg(mul(logSoftmax(logits), column(grad)))];
  },
  expand: ([logits, targets]) => neg(sum(mul(targets, logSoftmax(logits)), -1)),
});

const sparseOperation: CompositeOperation = register({
  kind: "composite",
  name: "sparseSoftmaxCrossEntropy",
  infer: ([logits]) => ({
    shape: logits.shape.slice(0, -1),
    dtype: commonDType("sparseSoftmaxCrossEntropy", [logits], ["f32"]),
  }),
  reference: ([logits, labels], _attributes, output) => {
    for (let row = 0; row < output.data.length; row++) {
      output.data[row] = surprise(logits, row, labels.data[row]);
    }
  },
  vjp: (grad, node) => {
    const [logits, labels] = node.inputs;
    const target = isClass("sparseSoftmaxCrossEntropy", labels, logits.shape[logits.rank - 1]);
    return [mul(sub(softmax(logits), cast(target, "f32")), column(grad)), null];
  },
  expand: ([logits, labels]) => {
    const target = isClass("sparseSoftmaxCrossEntropy", labels, logits.shape[logits.rank - 1]);
    // The largest logit is taken off both terms, so that large logits do not cancel; the softmax of
    // the gradient has the same exponentials and finds them.
    const shifted = sub(logits, max(logits, -1, keepDims));
    return sub(log(sum(exp(shifted), -1)), sum(select(target, shifted, 0), -1));
  },
});

/**
 * Cross-entropy −Σ target·log softmax(logits) of each row, in nats.
 *
 * @param logits `[..., classes]`, f32, any real numbers.
 * @param targets `[..., classes]`, f32, usually probabilities that sum to 1.
 * @returns `[...]`, f32: one value a row; take its mean for a loss.
 * @throws {ShapeError} when the shapes differ or have no axis of classes.
 *
 * @example
 * ```ts
 * import { softmaxCrossEntropy, tensor } from "@millrace/millrace";
 * import assert from "node:assert/strict";
 *
 * const [value] = await softmaxCrossEntropy(tensor([[3, 3]]), tensor([[1, 0]])).data();
 * assert.ok(Math.abs(value - Math.LN2) < 1e-6);
 * ```
 */
export function softmaxCrossEntropy(logits: Tensor, targets: Tensor): Tensor {
  if (
    logits.rank < 1 || logits.shape[logits.rank - 1] < 1 || !sameShape(logits.shape, targets.shape)
  ) {
    throw new ShapeError(
      `Cannot apply softmaxCrossEntropy as logits and targets must both be [..., classes]: ` +
        `received ${formatShape(logits.shape)} and ${formatShape(targets.shape)} ` +
        `(for whole-number labels use sparseSoftmaxCrossEntropy)`,
    );
  }
  return Tensor.node(denseOperation, [logits, targets]);
}

/**
 * Cross-entropy −log softmax(logits)[label] of each row, in nats.
 *
 * Labels are not checked against the number of classes on the device; a data set does that. A label
 * out of range gives a loss that does not depend on it, as if its logit were the largest.
 *
 * @param logits `[..., classes]`, f32, any real numbers.
 * @param labels `[...]`, u32 or i32, in [0, classes).
 * @returns `[...]`, f32: one value a row; take its mean for a loss.
 * @throws {ShapeError} when `labels` is not `logits` without its last axis.
 * @throws {DTypeError} when labels are not whole numbers.
 *
 * @example
 * ```ts
 * import { sparseSoftmaxCrossEntropy, tensor } from "@millrace/millrace";
 * import assert from "node:assert/strict";
 *
 * const labels = tensor([1], { dtype: "u32" });
 * const [value] = await sparseSoftmaxCrossEntropy(tensor([[3, 3]]), labels).data();
 * assert.ok(Math.abs(value - Math.LN2) < 1e-6);
 * ```
 */
export function sparseSoftmaxCrossEntropy(logits: Tensor, labels: Tensor): Tensor {
  const rows = logits.shape.slice(0, -1);
  if (logits.rank < 1 || logits.shape[logits.rank - 1] < 1 || !sameShape(rows, labels.shape)) {
    throw new ShapeError(
      `Cannot apply sparseSoftmaxCrossEntropy as labels must have the shape of logits without the ` +
        `last axis: received ${formatShape(logits.shape)} and ${formatShape(labels.shape)}`,
    );
  }
  if (labels.dtype !== "u32" && labels.dtype !== "i32") {
    throw new DTypeError(
      `Cannot apply sparseSoftmaxCrossEntropy as labels must be u32 or i32: received ` +
        `${labels.dtype} (convert with cast)`,
    );
  }
  return Tensor.node(sparseOperation, [logits, labels]);
}
