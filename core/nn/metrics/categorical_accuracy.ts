import type { Tensor } from "../../graph/tensor.ts";
import { argMax } from "../../ops/arg_max.ts";
import { cast } from "../../ops/cast.ts";
import { equal } from "../../ops/equal.ts";
import { alignTargets, checkClasses } from "../losses/targets.ts";
import type { Metric } from "../metric.ts";
import { averageMetric } from "./average_metric.ts";

/**
 * The part of samples whose largest output is at the class of the largest target.
 *
 * @returns A metric of targets `[batch, classes]`, one-hot or soft. Of equal outputs the first counts.
 *
 * @example
 * ```ts
 * import { categoricalAccuracy, metricValue, tensor } from "@millrace/millrace";
 * import assert from "node:assert/strict";
 *
 * const targets = tensor([[0, 1], [0, 1]]);
 * const outputs = tensor([[1, 3], [2, 1]]);
 * assert.equal(await metricValue(categoricalAccuracy(), targets, outputs), 0.5);
 * ```
 *
 * Keras: `CategoricalAccuracy`.
 */
export function categoricalAccuracy(): Metric {
  return averageMetric(
    "categorical_accuracy",
    "max",
    (targets, outputs) => categoricalHits("categoricalAccuracy", targets, outputs),
  );
}

/** 1 where the largest output is at the largest target, `[batch]`. */
export function categoricalHits(name: string, targets: Tensor, outputs: Tensor): Tensor {
  checkClasses(name, outputs);
  const hints = { labels: "for class labels use sparseCategoricalAccuracy" };
  const wanted = alignTargets(name, targets, outputs, hints);
  return cast(equal(argMax(outputs), argMax(wanted)), "f32");
}
