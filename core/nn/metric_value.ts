import { Tensor } from "../graph/tensor.ts";
import type { Metric, MetricTable } from "./metric.ts";

/**
 * A metric of targets and outputs at hand, without a run.
 *
 * @param metric The metric.
 * @param targets What the outputs should be, as the metric says.
 * @param outputs Outputs of a model, `[batch, outputs]` or `[batch]`, f32.
 * @param sampleWeight How much each sample counts, `[batch]`; by default each counts once.
 * @returns The metric over these samples.
 * @throws {ShapeError} when targets and outputs do not fit the metric.
 *
 * @example
 * ```ts
 * import { accuracy, metricValue, tensor } from "@millrace/millrace";
 * import assert from "node:assert/strict";
 *
 * const outputs = tensor([[0.1, 0.9], [0.8, 0.2]]);
 * assert.equal(await metricValue(accuracy(), tensor([1, 1]), outputs), 0.5);
 * assert.equal(await metricValue(accuracy(), tensor([1, 1]), outputs, tensor([3, 1])), 0.75);
 * ```
 *
 * Keras: `metric.update_state(…)` and `metric.result()`.
 */
export async function metricValue(
  metric: Metric,
  targets: Tensor,
  outputs: Tensor,
  sampleWeight?: Tensor,
): Promise<number | MetricTable> {
  const totals = await Promise.all(
    metric.apply(targets, outputs, sampleWeight).map(async (total) =>
      total instanceof Tensor ? Float64Array.from(await total.data()) : Float64Array.of(total)
    ),
  );
  return metric.result(...totals);
}
