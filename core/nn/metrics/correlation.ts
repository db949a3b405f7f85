import type { Tensor } from "../../graph/tensor.ts";
import { add } from "../../ops/add.ts";
import { div } from "../../ops/div.ts";
import { mul } from "../../ops/mul.ts";
import { reshape } from "../../ops/reshape.ts";
import { sqrt } from "../../ops/sqrt.ts";
import { square } from "../../ops/square.ts";
import { sub } from "../../ops/sub.ts";
import { mean } from "../../ops/sum.ts";
import { alignTargets } from "../losses/targets.ts";
import type { Metric } from "../metric.ts";
import { averageMetric } from "./average_metric.ts";
import { addShiftedSums, momentsOf, shiftedSums } from "./shifted_sums.ts";

/** Options of {@link pearsonCorrelation} and {@link concordanceCorrelation}. */
export interface CorrelationOptions {
  /**
   * What is correlated: −1 (default, as in Keras), the outputs of each sample, and the mean over
   * samples is taken; or 0, each output over all samples of the epoch, and the mean over outputs.
   */
  readonly axis?: -1 | 0;
  /** Log name; default Keras's. */
  readonly name?: string;
}

/** Means, variances and covariance, as tensors or numbers. */
interface Moments<Value> {
  readonly means: readonly [Value, Value];
  readonly variances: readonly [Value, Value];
  readonly covariance: Value;
}

/**
 * Pearson's correlation of targets and outputs: covariance / (σ of targets · σ of outputs), −1 to 1.
 *
 * @param options Axis, name.
 * @returns A metric of targets `[batch, outputs]`. With one output a sample use `axis: 0`.
 * @throws {RangeError} when the axis is neither −1 nor 0.
 *
 * @example
 * ```ts
 * import { metricValue, pearsonCorrelation, tensor } from "@millrace/millrace";
 * import assert from "node:assert/strict";
 *
 * const metric = pearsonCorrelation({ axis: 0 });
 * const value = await metricValue(metric, tensor([0, 1, 0.5]), tensor([0.1, 0.9, 0.5])) as number;
 * assert.ok(Math.abs(value - 1) < 1e-6);
 * ```
 *
 * Keras: `PearsonCorrelation`, where axis 0 is that of each batch, not of the epoch.
 */
export function pearsonCorrelation(options: CorrelationOptions = {}): Metric {
  return correlation(
    "pearsonCorrelation",
    options.name ?? "pearson_correlation",
    options,
    ({ variances: [a, b], covariance }) => div(covariance, sqrt(mul(a, b))),
    ({ variances: [a, b], covariance }) => covariance / Math.sqrt(a * b),
  );
}

/**
 * Lin's concordance of targets and outputs: 2 · covariance / (both variances + (difference of means)²),
 * −1 to 1; unlike the correlation it asks for the same values.
 *
 * @param options Axis, name.
 * @returns A metric of targets `[batch, outputs]`. With one output a sample use `axis: 0`.
 * @throws {RangeError} when the axis is neither −1 nor 0.
 *
 * @example
 * ```ts
 * import { concordanceCorrelation, metricValue, tensor } from "@millrace/millrace";
 * import assert from "node:assert/strict";
 *
 * const metric = concordanceCorrelation({ axis: 0 });
 * const value = await metricValue(metric, tensor([0, 1, 2]), tensor([1, 2, 3])) as number;
 * assert.ok(Math.abs(value - (4 / 3) / (4 / 3 + 1)) < 1e-6);
 * ```
 *
 * Source: L. Lin, 1989. Keras: `ConcordanceCorrelation`, where axis 0 is that of each batch.
 */
export function concordanceCorrelation(options: CorrelationOptions = {}): Metric {
  return correlation(
    "concordanceCorrelation",
    options.name ?? "concordance_correlation",
    options,
    ({ means: [a, b], variances, covariance }) =>
      div(mul(covariance, 2), add(add(variances[0], variances[1]), square(sub(a, b)))),
    ({ means: [a, b], variances, covariance }) =>
      2 * covariance / (variances[0] + variances[1] + (a - b) ** 2),
  );
}

function correlation(
  factory: string,
  name: string,
  { axis = -1 }: CorrelationOptions,
  ofSample: (moments: Moments<Tensor>) => Tensor,
  ofSums: (moments: Moments<number>) => number,
): Metric {
  if (axis !== -1 && axis !== 0) {
    throw new RangeError(`Cannot make ${factory} as axis must be −1 or 0: received ${axis}`);
  }
  const hints = { labels: "are they class labels? then give one-hot targets" };
  const align = (targets: Tensor, outputs: Tensor) =>
    alignTargets(factory, targets, outputs, hints);
  if (axis === -1) {
    return averageMetric(
      name,
      "max",
      (targets, outputs) => ofSample(momentsAlong(align(targets, outputs), outputs)),
    );
  }
  return {
    name,
    direction: "max",
    apply(targets, outputs, sampleWeight) {
      const rows = (x: Tensor) => reshape(x, [x.shape[0], x.size / x.shape[0]]);
      const [a, b] = [rows(align(targets, outputs)), rows(outputs)];
      return shiftedSums([a, b], sampleWeight);
    },
    add: (totals, batch) => addShiftedSums(2, totals, batch),
    result(...totals) {
      const [count] = totals[0];
      const values = momentsOf(2, totals).map(({ means: [a, b], products: [aa, ab, bb] }) =>
        ofSums({
          means: [a, b],
          variances: [aa / count, bb / count],
          covariance: ab / count,
        })
      );
      return values.reduce((sum, value) => sum + value / values.length, 0);
    },
  };
}

/** Moments along the last axis. */
function momentsAlong(a: Tensor, b: Tensor): Moments<Tensor> {
  const along = (x: Tensor) => mean(x, -1);
  const centered = (x: Tensor) => sub(x, mean(x, -1, { keepDims: true }));
  const [fromA, fromB] = [centered(a), centered(b)];
  return {
    means: [along(a), along(b)],
    variances: [along(square(fromA)), along(square(fromB))],
    covariance: along(mul(fromA, fromB)),
  };
}
