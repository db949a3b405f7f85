import type { ErrorLossOptions } from "../losses/error_loss.ts";
import { meanAbsolutePercentageError } from "../losses/mean_absolute_percentage_error.ts";
import type { Metric } from "../metric.ts";
import { averageMetric } from "./average_metric.ts";

/**
 * Mean absolute percentage error as a metric: logged as `mean_absolute_percentage_error`, beside another loss.
 *
 * 100 · |ŷ − y| / max(|y|, 1e-7), in percent, the mean over outputs and samples.
 *
 * @param options `oneHot` takes class labels `[batch]`.
 * @returns A metric of targets `[batch, outputs]`; with one output `[batch]` will do; smaller is better.
 * @throws {ShapeError} on use, when targets and outputs do not fit.
 *
 * @example
 * ```ts
 * import { meanAbsolutePercentageErrorMetric, metricValue, tensor } from "@millrace/millrace";
 * import assert from "node:assert/strict";
 *
 * const mean = await metricValue(meanAbsolutePercentageErrorMetric(), tensor([4, 2]), tensor([5, 1]));
 * assert(Math.abs(Number(mean) - 37.5) < 1e-5);
 * ```
 *
 * Source: Keras's `metrics.MeanAbsolutePercentageError`.
 */
export function meanAbsolutePercentageErrorMetric(options: ErrorLossOptions = {}): Metric {
  const loss = meanAbsolutePercentageError(options);
  return averageMetric(loss.name, "min", loss.apply, loss);
}
