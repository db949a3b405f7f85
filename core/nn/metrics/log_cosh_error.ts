import type { ErrorLossOptions } from "../losses/error_loss.ts";
import { logCosh } from "../losses/log_cosh.ts";
import type { Metric } from "../metric.ts";
import { averageMetric } from "./average_metric.ts";

/**
 * Logarithm of the hyperbolic cosine of the error as a metric: logged as `logcosh`, beside another loss.
 *
 * log cosh(ŷ − y), the mean over outputs and samples.
 *
 * @param options `oneHot` takes class labels `[batch]`.
 * @returns A metric of targets `[batch, outputs]`; with one output `[batch]` will do; smaller is better.
 * @throws {ShapeError} on use, when targets and outputs do not fit.
 *
 * @example
 * ```ts
 * import { logCoshError, metricValue, tensor } from "@millrace/millrace";
 * import assert from "node:assert/strict";
 *
 * const mean = await metricValue(logCoshError(), tensor([0]), tensor([1]));
 * assert(Math.abs(Number(mean) - Math.log(Math.cosh(1))) < 1e-5);
 * ```
 *
 * Source: Keras's `metrics.LogCoshError`, which logs `logcosh`.
 */
export function logCoshError(options: ErrorLossOptions = {}): Metric {
  const loss = logCosh(options);
  return averageMetric("logcosh", "min", loss.apply, loss);
}
