import { neg } from "../../ops/neg.ts";
import { cosineSimilarity } from "../losses/cosine_similarity.ts";
import type { ErrorLossOptions } from "../losses/error_loss.ts";
import type { Metric } from "../metric.ts";
import { averageMetric } from "./average_metric.ts";

/**
 * The cosine of the angle between outputs and targets: 1 for the same direction, −1 for the opposite.
 *
 * Σ y · ŷ / (‖y‖ · ‖ŷ‖) over the last axis, the mean over samples: minus {@link cosineSimilarity}.
 *
 * @param options `oneHot` takes class labels `[batch]`.
 * @returns A metric named `cosine_similarity`; larger is better.
 *
 * @example
 * ```ts
 * import { cosineSimilarityMetric, metricValue, tensor } from "@millrace/millrace";
 * import assert from "node:assert/strict";
 *
 * const metric = cosineSimilarityMetric();
 * assert.equal(await metricValue(metric, tensor([[0, 2]]), tensor([[0, 5]])), 1);
 * ```
 *
 * Source: Keras's `metrics.CosineSimilarity`, whose sign is the loss's reversed.
 */
export function cosineSimilarityMetric(options: ErrorLossOptions = {}): Metric {
  const loss = cosineSimilarity(options);
  return averageMetric(
    loss.name,
    "max",
    (targets, outputs) => neg(loss.apply(targets, outputs)),
    loss,
  );
}
