import type { ErrorLossOptions } from "../losses/error_loss.ts";
import { klDivergence } from "../losses/kl_divergence.ts";
import type { Metric } from "../metric.ts";
import { averageMetric } from "./average_metric.ts";

/**
 * Kullback–Leibler divergence of the outputs from the targets as a metric: logged as `kl_divergence`, beside another loss.
 *
 * Σ y · log(y / ŷ) over the classes, in nats, the mean over samples.
 *
 * @param options `oneHot` takes class labels `[batch]`.
 * @returns A metric of targets `[batch, classes]`, probabilities; smaller is better.
 * @throws {ShapeError} on use, when targets and outputs do not fit.
 *
 * @example
 * ```ts
 * import { klDivergenceMetric, metricValue, tensor } from "@millrace/millrace";
 * import assert from "node:assert/strict";
 *
 * const mean = await metricValue(klDivergenceMetric(), tensor([[0, 1]]), tensor([[0.5, 0.5]]));
 * assert(Math.abs(Number(mean) - Math.LN2) < 1e-5);
 * ```
 *
 * Source: Keras's `metrics.KLDivergence`.
 */
export function klDivergenceMetric(options: ErrorLossOptions = {}): Metric {
  const loss = klDivergence(options);
  return averageMetric(loss.name, "min", loss.apply, loss);
}
