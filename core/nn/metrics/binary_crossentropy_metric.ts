import type { CrossentropyOptions } from "../losses/probabilities.ts";
import { binaryCrossentropy } from "../losses/binary_crossentropy.ts";
import type { Metric } from "../metric.ts";
import { averageMetric } from "./average_metric.ts";

/**
 * Binary cross-entropy as a metric: logged as `binary_crossentropy`, beside another loss.
 *
 * −y · log p − (1 − y) · log(1 − p), in nats, the mean over outputs and samples.
 *
 * @param options `fromLogits`, `labelSmoothing`, as of the loss.
 * @returns A metric of targets `[batch, outputs]` of 0 and 1; with one output `[batch]` will do; smaller is better.
 * @throws {ShapeError} on use, when targets and outputs do not fit.
 *
 * @example
 * ```ts
 * import { binaryCrossentropyMetric, metricValue, tensor } from "@millrace/millrace";
 * import assert from "node:assert/strict";
 *
 * const mean = await metricValue(binaryCrossentropyMetric(), tensor([1]), tensor([[0.5]]));
 * assert(Math.abs(Number(mean) - Math.LN2) < 1e-5);
 * ```
 *
 * Source: Keras's `metrics.BinaryCrossentropy`.
 */
export function binaryCrossentropyMetric(options: CrossentropyOptions = {}): Metric {
  const loss = binaryCrossentropy(options);
  return averageMetric(loss.name, "min", loss.apply, loss);
}
