import { ShapeError } from "../../graph/errors.ts";
import type { Tensor } from "../../graph/tensor.ts";
import { argMax } from "../../ops/arg_max.ts";
import { cast } from "../../ops/cast.ts";
import { greater } from "../../ops/greater.ts";
import { matmul } from "../../ops/matmul.ts";
import { mul } from "../../ops/mul.ts";
import { oneHot } from "../../ops/one_hot.ts";
import { reshape } from "../../ops/reshape.ts";
import { transpose } from "../../ops/transpose.ts";
import { sameShape } from "../../graph/shape.ts";
import { checkCount } from "../check_count.ts";
import { checkScalar } from "../check_scalar.ts";
import { alignLabels, alignTargets, idsOrRows } from "../losses/targets.ts";
import type { ClassIdTargets } from "../loss.ts";
import type { Metric, MetricTable } from "../metric.ts";
import { spread } from "./counts_at_thresholds.ts";

/** Options of {@link confusionMatrix}. */
export interface ConfusionMatrixOptions {
  /** With one output a sample: what is above it is class 1; default 0.5. */
  readonly threshold?: number;
  /** Log name; default `confusion_matrix`. */
  readonly name?: string;
}

/**
 * How often each class was taken for each: row by row the true class, column by column the answer.
 *
 * The table is in `Epoch.tables`, and jsonLines prints it.
 *
 * @param classes Number of classes, from 2.
 * @param options Threshold for one output, name.
 * @returns A metric of outputs `[batch, classes]`, or `[batch]` and `[batch, 1]` for two classes, and
 * of labels or one-hot targets. A data set with another label is refused; one that the loss
 * ignores counts nowhere.
 * @throws {RangeError} when `classes` is not a whole number from 2.
 *
 * @example
 * ```ts
 * import { confusionMatrix, metricValue, tensor } from "@millrace/millrace";
 * import assert from "node:assert/strict";
 *
 * const outputs = tensor([[0.9, 0.1], [0.2, 0.8], [0.6, 0.4]]);
 * const table = await metricValue(confusionMatrix(2), tensor([0, 1, 1]), outputs);
 * assert.deepEqual(table, [[1, 0], [1, 1]]);
 * ```
 *
 * TensorFlow: `tf.math.confusion_matrix`. scikit-learn: `confusion_matrix`.
 *
 * Source: scikit-learn's `confusion_matrix`; Keras has it as a utility of its own.
 */
export function confusionMatrix(classes: number, options: ConfusionMatrixOptions = {}): Metric {
  const { threshold = 0.5, name = "confusion_matrix" } = options;
  checkCount("the classes of confusionMatrix", classes, 2);
  checkScalar("the threshold of confusionMatrix", threshold);
  const isYes = (given: Tensor) => greater(given, threshold);
  return {
    name,
    direction: "max",
    classIds: confusionIds,
    apply: (targets, outputs, sampleWeight) => [
      confusionTotals("confusionMatrix", targets, outputs, sampleWeight, classes, isYes),
    ],
    result: (counts) => tableOf(counts, classes),
  };
}

/**
 * The counts of a confusion matrix, `[classes, classes]`; `isYes` tells class 1 from 0 where a
 * sample has one output.
 */
export function confusionTotals(
  name: string,
  targets: Tensor,
  outputs: Tensor,
  sampleWeight: Tensor | undefined,
  classes: number,
  isYes: (outputs: Tensor) => Tensor,
): Tensor {
  const single = isSingle(outputs);
  const [wanted, found] = single
    ? binaryLabels(name, targets, outputs, isYes)
    : classLabels(name, targets, outputs);
  const width = single ? 2 : outputs.shape[outputs.rank - 1];
  if (width !== classes) {
    throw new ShapeError(
      `Cannot apply ${name} as outputs must be of ${classes} classes: received ${width}`,
    );
  }
  const rows = (labels: Tensor) => oneHot(reshape(labels, [labels.size]), classes);
  const weight = sampleWeight && reshape(spread(sampleWeight, wanted), [wanted.size, 1]);
  const counted = weight ? mul(rows(wanted), weight) : rows(wanted);
  return matmul(transpose(counted), rows(found));
}

/** What labels of a confusion matrix are; with one output a sample there are two classes. */
export const confusionIds: ClassIdTargets = {
  count: (outputs, targets) => isSingle(outputs) ? 2 : idsOrRows.count(outputs, targets),
};

function isSingle(outputs: Tensor): boolean {
  return outputs.rank < 2 || outputs.shape[outputs.rank - 1] === 1;
}

/** Counts as rows. */
export function tableOf(counts: Float64Array, classes: number): MetricTable {
  return Array.from(
    { length: classes },
    (_, row) => Array.from(counts.subarray(row * classes, (row + 1) * classes)),
  );
}

function binaryLabels(
  name: string,
  targets: Tensor,
  outputs: Tensor,
  isYes: (outputs: Tensor) => Tensor,
): [Tensor, Tensor] {
  const hints = { labels: "for several classes give an output for each" };
  const wanted = alignTargets(name, targets, outputs, hints);
  return [cast(wanted, "i32"), cast(isYes(outputs), "i32")];
}

function classLabels(name: string, targets: Tensor, outputs: Tensor): [Tensor, Tensor] {
  const wanted = sameShape(targets.shape, outputs.shape)
    ? cast(argMax(targets), "i32")
    : cast(alignLabels(name, targets, outputs, "one-hot targets will do too"), "i32");
  return [wanted, cast(argMax(outputs), "i32")];
}
