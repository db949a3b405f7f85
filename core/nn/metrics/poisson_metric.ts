import type { ErrorLossOptions } from "../losses/error_loss.ts";
import { poisson } from "../losses/poisson.ts";
import type { Metric } from "../metric.ts";
import { averageMetric } from "./average_metric.ts";

/**
 * Negative log-likelihood of counts as a metric: logged as `poisson`, beside another loss.
 *
 * ŷ − y · log(ŷ + 1e-7), the mean over outputs and samples.
 *
 * @param options `oneHot` takes class labels `[batch]`.
 * @returns A metric of targets `[batch, outputs]`; with one output `[batch]` will do; smaller is better.
 * @throws {ShapeError} on use, when targets and outputs do not fit.
 *
 * @example
 * ```ts
 * import { metricValue, poissonMetric, tensor } from "@millrace/millrace";
 * import assert from "node:assert/strict";
 *
 * const mean = await metricValue(poissonMetric(), tensor([3]), tensor([2]));
 * assert(Math.abs(Number(mean) - (2 - 3 * Math.LN2)) < 1e-5);
 * ```
 *
 * Source: Keras's `metrics.Poisson`.
 */
export function poissonMetric(options: ErrorLossOptions = {}): Metric {
  const loss = poisson(options);
  return averageMetric(loss.name, "min", loss.apply, loss);
}
