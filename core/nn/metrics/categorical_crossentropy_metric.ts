import type { CrossentropyOptions } from "../losses/probabilities.ts";
import { categoricalCrossentropy } from "../losses/categorical_crossentropy.ts";
import type { Metric } from "../metric.ts";
import { averageMetric } from "./average_metric.ts";

/**
 * Cross-entropy over classes as a metric: logged as `categorical_crossentropy`, beside another loss.
 *
 * −Σ t · log p over the classes, in nats, the mean over samples.
 *
 * @param options `fromLogits`, `labelSmoothing`, as of the loss.
 * @returns A metric of targets `[batch, classes]`; smaller is better.
 * @throws {ShapeError} on use, when targets and outputs do not fit.
 *
 * @example
 * ```ts
 * import { categoricalCrossentropyMetric, metricValue, tensor } from "@millrace/millrace";
 * import assert from "node:assert/strict";
 *
 * const mean = await metricValue(categoricalCrossentropyMetric(), tensor([[0, 1]]), tensor([[0.5, 0.5]]));
 * assert(Math.abs(Number(mean) - Math.LN2) < 1e-5);
 * ```
 *
 * Source: Keras's `metrics.CategoricalCrossentropy`.
 */
export function categoricalCrossentropyMetric(options: CrossentropyOptions = {}): Metric {
  const loss = categoricalCrossentropy(options);
  return averageMetric(loss.name, "min", loss.apply, loss);
}
