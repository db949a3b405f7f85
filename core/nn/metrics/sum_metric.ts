import { sum } from "../../ops/sum.ts";
import type { Metric } from "../metric.ts";
import { averageMetric } from "./average_metric.ts";
import { type MetricValues, ofOutputs, type ValuesMetricOptions } from "./mean_metric.ts";

/**
 * The sum over all samples of any values of outputs and targets, such as a count of mistakes.
 *
 * @param values A function from targets and outputs to f32 values `[batch, ...]`; default the outputs
 * themselves.
 * @param options Name, default `sum`, and direction.
 * @returns A metric; 0 over no samples.
 *
 * @example
 * ```ts
 * import { cast, greater, metricValue, sumMetric, tensor } from "@millrace/millrace";
 * import assert from "node:assert/strict";
 *
 * const large = sumMetric((_targets, outputs) => cast(greater(outputs, 1), "f32"));
 * assert.equal(await metricValue(large, tensor([0, 0, 0]), tensor([1, 2, 3])), 2);
 * ```
 *
 * Source: Keras's `Sum`.
 */
export function sumMetric(
  values: MetricValues = ofOutputs,
  options: ValuesMetricOptions = {},
): Metric {
  const { name = "sum", direction = "min" } = options;
  const average = averageMetric(name, direction, (targets, outputs) => {
    const each = values(targets, outputs);
    return each.rank === 1 ? each : sum(each, each.shape.map((_, axis) => axis).slice(1));
  });
  return { ...average, result: ([total]) => total };
}
