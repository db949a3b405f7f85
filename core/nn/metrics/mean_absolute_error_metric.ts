import type { ErrorLossOptions } from "../losses/error_loss.ts";
import { meanAbsoluteError } from "../losses/mean_absolute_error.ts";
import type { Metric } from "../metric.ts";
import { averageMetric } from "./average_metric.ts";

/**
 * Mean absolute error as a metric: logged as `mean_absolute_error`, beside another loss.
 *
 * The mean of |ŷ − y| over outputs and samples.
 *
 * @param options `oneHot` takes class labels `[batch]`.
 * @returns A metric of targets `[batch, outputs]`; with one output `[batch]` will do; smaller is better.
 * @throws {ShapeError} on use, when targets and outputs do not fit.
 *
 * @example
 * ```ts
 * import { meanAbsoluteErrorMetric, metricValue, tensor } from "@millrace/millrace";
 * import assert from "node:assert/strict";
 *
 * const mean = await metricValue(meanAbsoluteErrorMetric(), tensor([1, 2]), tensor([3, 2]));
 * assert(Math.abs(Number(mean) - 1) < 1e-5);
 * ```
 *
 * Source: Keras's `metrics.MeanAbsoluteError`.
 */
export function meanAbsoluteErrorMetric(options: ErrorLossOptions = {}): Metric {
  const loss = meanAbsoluteError(options);
  return averageMetric(loss.name, "min", loss.apply, loss);
}
