import type { ErrorLossOptions } from "../losses/error_loss.ts";
import { meanSquaredLogarithmicError } from "../losses/mean_squared_logarithmic_error.ts";
import type { Metric } from "../metric.ts";
import { averageMetric } from "./average_metric.ts";

/**
 * Mean squared logarithmic error as a metric: logged as `mean_squared_logarithmic_error`, beside another loss.
 *
 * The mean of (log(1 + ŷ) − log(1 + y))² over outputs and samples.
 *
 * @param options `oneHot` takes class labels `[batch]`.
 * @returns A metric of targets `[batch, outputs]`; with one output `[batch]` will do; smaller is better.
 * @throws {ShapeError} on use, when targets and outputs do not fit.
 *
 * @example
 * ```ts
 * import { meanSquaredLogarithmicErrorMetric, metricValue, tensor } from "@millrace/millrace";
 * import assert from "node:assert/strict";
 *
 * const mean = await metricValue(meanSquaredLogarithmicErrorMetric(), tensor([1, 3]), tensor([3, 3]));
 * assert(Math.abs(Number(mean) - Math.LN2 ** 2 / 2) < 1e-5);
 * ```
 *
 * Source: Keras's `metrics.MeanSquaredLogarithmicError`.
 */
export function meanSquaredLogarithmicErrorMetric(options: ErrorLossOptions = {}): Metric {
  const loss = meanSquaredLogarithmicError(options);
  return averageMetric(loss.name, "min", loss.apply, loss);
}
