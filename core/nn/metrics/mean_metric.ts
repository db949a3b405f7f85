import type { Tensor } from "../../graph/tensor.ts";
import type { Loss } from "../loss.ts";
import type { Metric } from "../metric.ts";
import { averageMetric } from "./average_metric.ts";

/** Values of a batch, `[batch, ...]` f32, from targets and outputs. */
export type MetricValues = (targets: Tensor, outputs: Tensor) => Tensor;

/** Options of {@link meanMetric} and {@link sumMetric}. */
export interface ValuesMetricOptions {
  /** Name in the logs; default the loss's name, or `mean` or `sum`. */
  readonly name?: string;
  /** Which is better; default `min`. */
  readonly direction?: "min" | "max";
}

/**
 * The mean over all samples of a loss, or of any values of outputs and targets.
 *
 * What a loss leaves out, as labels of its `ignoreClass`, counts for nothing here, too.
 *
 * @param values A loss, or a function from targets and outputs to f32 values `[batch, ...]`; default
 * the outputs themselves.
 * @param options Name and direction.
 * @returns A metric with the name of the loss, or `mean`.
 * @throws {ShapeError} on use, when targets and outputs do not fit the loss.
 *
 * @example
 * ```ts
 * import { huber, meanMetric, metricValue, tensor } from "@millrace/millrace";
 * import assert from "node:assert/strict";
 *
 * const metric = meanMetric(huber(), { name: "huber" });
 * assert.equal(await metricValue(metric, tensor([0, 0]), tensor([1, 3])), 1.5); // ½ and 2½
 * ```
 *
 * Source: Keras's `Mean` and `MeanMetricWrapper(fn)`. Keras logs `huber` under the function's name.
 */
export function meanMetric(
  values: Loss | MetricValues = ofOutputs,
  options: ValuesMetricOptions = {},
): Metric {
  const isLoss = typeof values !== "function";
  const { name = isLoss ? values.name : "mean", direction = "min" } = options;
  return isLoss
    ? averageMetric(name, direction, (...given) => values.apply(...given), values)
    : averageMetric(name, direction, (targets, outputs) => values(targets, outputs));
}

/** The outputs themselves. */
export function ofOutputs(_targets: Tensor, outputs: Tensor): Tensor {
  return outputs;
}
