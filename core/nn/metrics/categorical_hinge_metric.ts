import type { ErrorLossOptions } from "../losses/error_loss.ts";
import { categoricalHinge } from "../losses/categorical_hinge.ts";
import type { Metric } from "../metric.ts";
import { averageMetric } from "./average_metric.ts";

/**
 * Hinge loss of several classes as a metric: logged as `categorical_hinge`, beside another loss.
 *
 * max(max((1 − y) · ŷ) − Σ y · ŷ + 1, 0) over the classes, the mean over samples.
 *
 * @param options `oneHot` takes class labels `[batch]`.
 * @returns A metric of targets `[batch, classes]` of 0 and 1; smaller is better.
 * @throws {ShapeError} on use, when targets and outputs do not fit.
 *
 * @example
 * ```ts
 * import { categoricalHingeMetric, metricValue, tensor } from "@millrace/millrace";
 * import assert from "node:assert/strict";
 *
 * const mean = await metricValue(categoricalHingeMetric(), tensor([[1, 0]]), tensor([[2, 1.5]]));
 * assert(Math.abs(Number(mean) - 0.5) < 1e-5);
 * ```
 *
 * Source: Keras's `metrics.CategoricalHinge`.
 */
export function categoricalHingeMetric(options: ErrorLossOptions = {}): Metric {
  const loss = categoricalHinge(options);
  return averageMetric(loss.name, "min", loss.apply, loss);
}
