import {
  sparseCategoricalCrossentropy,
  type SparseCategoricalCrossentropyOptions,
} from "../losses/sparse_categorical_crossentropy.ts";
import type { Metric } from "../metric.ts";
import { averageMetric } from "./average_metric.ts";

/**
 * Cross-entropy of the true class as a metric: logged as `sparse_categorical_crossentropy`, beside another loss.
 *
 * −log p[label], in nats, the mean over samples.
 *
 * @param options `fromLogits`, `ignoreClass`, as of the loss.
 * @returns A metric of labels `[batch]` or `[batch, 1]`; smaller is better.
 * @throws {ShapeError} on use, when targets and outputs do not fit.
 *
 * @example
 * ```ts
 * import { metricValue, sparseCategoricalCrossentropyMetric, tensor } from "@millrace/millrace";
 * import assert from "node:assert/strict";
 *
 * const mean = await metricValue(sparseCategoricalCrossentropyMetric(), tensor([1]), tensor([[0.5, 0.5]]));
 * assert(Math.abs(Number(mean) - Math.LN2) < 1e-5);
 * ```
 *
 * Source: Keras's `metrics.SparseCategoricalCrossentropy`.
 */
export function sparseCategoricalCrossentropyMetric(
  options: SparseCategoricalCrossentropyOptions = {},
): Metric {
  const loss = sparseCategoricalCrossentropy(options);
  return averageMetric(loss.name, "min", loss.apply, loss);
}
