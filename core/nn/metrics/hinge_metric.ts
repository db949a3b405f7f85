import type { ErrorLossOptions } from "../losses/error_loss.ts";
import { hinge } from "../losses/hinge.ts";
import type { Metric } from "../metric.ts";
import { averageMetric } from "./average_metric.ts";

/**
 * Hinge loss as a metric: logged as `hinge`, beside another loss.
 *
 * max(1 − y · ŷ, 0) with targets of −1 and 1, the mean over outputs and samples.
 *
 * @param options `oneHot` takes class labels `[batch]`.
 * @returns A metric of targets `[batch, outputs]`; with one output `[batch]` will do; smaller is better.
 * @throws {ShapeError} on use, when targets and outputs do not fit.
 *
 * @example
 * ```ts
 * import { hingeMetric, metricValue, tensor } from "@millrace/millrace";
 * import assert from "node:assert/strict";
 *
 * const mean = await metricValue(hingeMetric(), tensor([-1, 1]), tensor([-2, 0.5]));
 * assert(Math.abs(Number(mean) - 0.25) < 1e-5);
 * ```
 *
 * Source: Keras's `metrics.Hinge`.
 */
export function hingeMetric(options: ErrorLossOptions = {}): Metric {
  const loss = hinge(options);
  return averageMetric(loss.name, "min", loss.apply, loss);
}
