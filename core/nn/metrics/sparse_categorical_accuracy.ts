import type { Tensor } from "../../graph/tensor.ts";
import { argMax } from "../../ops/arg_max.ts";
import { cast } from "../../ops/cast.ts";
import { equal } from "../../ops/equal.ts";
import { alignLabels } from "../losses/targets.ts";
import type { Metric } from "../metric.ts";
import { averageMetric } from "./average_metric.ts";

/**
 * The part of samples whose largest output is at the class that the label names.
 *
 * @returns A metric of labels `[batch]` or `[batch, 1]` and outputs `[batch, classes]`. Of equal
 * outputs the first counts.
 *
 * @example
 * ```ts
 * import { metricValue, sparseCategoricalAccuracy, tensor } from "@millrace/millrace";
 * import assert from "node:assert/strict";
 *
 * const outputs = tensor([[1, 3], [2, 1]]);
 * assert.equal(await metricValue(sparseCategoricalAccuracy(), tensor([1, 1]), outputs), 0.5);
 * ```
 *
 * Keras: `SparseCategoricalAccuracy`.
 */
export function sparseCategoricalAccuracy(): Metric {
  return averageMetric(
    "sparse_categorical_accuracy",
    "max",
    (targets, outputs) => sparseHits("sparseCategoricalAccuracy", targets, outputs),
  );
}

/** 1 where the largest output is at the label, `[batch]`. */
export function sparseHits(name: string, targets: Tensor, outputs: Tensor): Tensor {
  const labels = alignLabels(name, targets, outputs, "for one-hot targets use categoricalAccuracy");
  // As i32 rather than u32: a label of −1 then is no class at all.
  return cast(equal(cast(argMax(outputs), "i32"), cast(labels, "i32")), "f32");
}
