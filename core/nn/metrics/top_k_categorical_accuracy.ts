import type { Tensor } from "../../graph/tensor.ts";
import { argMax } from "../../ops/arg_max.ts";
import { cast } from "../../ops/cast.ts";
import { greater } from "../../ops/greater.ts";
import { less } from "../../ops/less.ts";
import { lessEqual } from "../../ops/less_equal.ts";
import { logicalNot } from "../../ops/logical.ts";
import { mul } from "../../ops/mul.ts";
import { oneHot } from "../../ops/one_hot.ts";
import { select } from "../../ops/select.ts";
import { sum } from "../../ops/sum.ts";
import { checkCount } from "../check_count.ts";
import { alignLabels, alignTargets, checkClasses, oneIdOfOutputs } from "../losses/targets.ts";
import type { Metric } from "../metric.ts";
import { averageMetric } from "./average_metric.ts";

/** Options of {@link topKCategoricalAccuracy} and {@link sparseTopKCategoricalAccuracy}. */
export interface TopKOptions {
  /** How many of the largest outputs count, from 1; default 5. */
  readonly k?: number;
}

/**
 * The part of samples whose class, that of the largest target, is among the k largest outputs.
 *
 * @param options k.
 * @returns A metric of targets `[batch, classes]`. Outputs equal to the k-th count too.
 * @throws {RangeError} when k is not a whole number from 1.
 *
 * @example
 * ```ts
 * import { metricValue, tensor, topKCategoricalAccuracy } from "@millrace/millrace";
 * import assert from "node:assert/strict";
 *
 * const targets = tensor([[0, 0, 1], [0, 1, 0]]);
 * const outputs = tensor([[0.1, 0.9, 0.8], [0.5, 0.05, 0.45]]);
 * assert.equal(await metricValue(topKCategoricalAccuracy({ k: 2 }), targets, outputs), 0.5);
 * ```
 *
 * Keras: `TopKCategoricalAccuracy`.
 */
export function topKCategoricalAccuracy(options: TopKOptions = {}): Metric {
  const k = checkCount("the k of topKCategoricalAccuracy", options.k ?? 5, 1);
  const hints = { labels: "for class labels use sparseTopKCategoricalAccuracy" };
  return averageMetric("top_k_categorical_accuracy", "max", (targets, outputs) => {
    checkClasses("topKCategoricalAccuracy", outputs);
    const wanted = alignTargets("topKCategoricalAccuracy", targets, outputs, hints);
    return amongLargest(cast(argMax(wanted), "i32"), outputs, k);
  });
}

/**
 * The part of samples whose label is among the k largest outputs.
 *
 * @param options k.
 * @returns A metric of labels `[batch]` or `[batch, 1]` and outputs `[batch, classes]`. Outputs equal
 * to the k-th count too.
 * @throws {RangeError} when k is not a whole number from 1.
 *
 * @example
 * ```ts
 * import { metricValue, sparseTopKCategoricalAccuracy, tensor } from "@millrace/millrace";
 * import assert from "node:assert/strict";
 *
 * const outputs = tensor([[0.1, 0.9, 0.8], [0.5, 0.05, 0.45]]);
 * const metric = sparseTopKCategoricalAccuracy({ k: 2 });
 * assert.equal(await metricValue(metric, tensor([2, 1]), outputs), 0.5);
 * ```
 *
 * Keras: `SparseTopKCategoricalAccuracy`.
 */
export function sparseTopKCategoricalAccuracy(options: TopKOptions = {}): Metric {
  const k = checkCount("the k of sparseTopKCategoricalAccuracy", options.k ?? 5, 1);
  const hint = "for one-hot targets use topKCategoricalAccuracy";
  return averageMetric("sparse_top_k_categorical_accuracy", "max", (targets, outputs) => {
    const labels = alignLabels("sparseTopKCategoricalAccuracy", targets, outputs, hint);
    return amongLargest(cast(labels, "i32"), outputs, k);
  }, { classIds: oneIdOfOutputs });
}

/** 1 where fewer than k outputs are larger than that of the label; 0 for a label that is no class. */
function amongLargest(labels: Tensor, outputs: Tensor, k: number): Tensor {
  const rows = oneHot(labels, outputs.shape[outputs.rank - 1]);
  const own = sum(select(greater(rows, 0), outputs, 0), -1, { keepDims: true });
  // Not those that are greater: NaN is neither, and must not pass for a hit.
  const larger = sum(cast(logicalNot(lessEqual(outputs, own)), "f32"), -1);
  return mul(cast(less(larger, k), "f32"), sum(rows, -1));
}
