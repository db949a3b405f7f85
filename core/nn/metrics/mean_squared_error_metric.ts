import { meanSquaredError } from "../losses/mean_squared_error.ts";
import type { Metric } from "../metric.ts";
import type { ErrorLossOptions } from "../losses/error_loss.ts";
import { averageMetric } from "./average_metric.ts";

/**
 * Mean squared error as a metric: logged as `mean_squared_error`, beside another loss.
 *
 * Named apart from the loss {@link meanSquaredError}, which gives a number a sample to train on.
 *
 * @param options `oneHot` takes class labels `[batch]`.
 * @returns A metric of targets `[batch, outputs]`; smaller is better.
 *
 * @example
 * ```ts
 * import { meanSquaredErrorMetric, metricValue, tensor } from "@millrace/millrace";
 * import assert from "node:assert/strict";
 *
 * const metric = meanSquaredErrorMetric();
 * assert.equal(await metricValue(metric, tensor([1, 2]), tensor([3, 2])), 2);
 * ```
 *
 * Keras: `metrics.MeanSquaredError`.
 */
export function meanSquaredErrorMetric(options: ErrorLossOptions = {}): Metric {
  const loss = meanSquaredError(options);
  return averageMetric(loss.name, "min", loss.apply, loss);
}
