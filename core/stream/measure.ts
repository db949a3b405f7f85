import type { MonoTypeOperatorFunction } from "../nn/rxjs_types.ts";
import type { Metric } from "../nn/metric.ts";
import type { Effect } from "./frame.ts";
import { Memory, stage } from "./stage.ts";
import type { Forwarded } from "./stages.ts";

/**
 * Adds metrics to the logs. They are summed on the device at every step and read at the end of
 * the epoch; validation computes them too.
 *
 * @param metrics The metrics.
 * @returns An operator that lets steps through as they are.
 *
 * @example
 * ```ts
 * import {
 *   accuracy, arrays, dense, forward, input, measure, miniBatches, sequential,
 * } from "@millrace/millrace";
 * import { lastValueFrom, mergeMap } from "rxjs";
 * import assert from "node:assert/strict";
 *
 * const model = sequential([input([1]), dense(2, { kernelInitializer: "zeros" })]);
 * const data = arrays([[1], [2]], [0, 1], { classes: 2 });
 * const steps = miniBatches(data, { device: "cpu", threads: 1 }).pipe(
 *   forward(model),
 *   measure(accuracy()),
 *   mergeMap((step) => step.values()),
 * );
 * assert.deepEqual(await lastValueFrom(steps), { accuracy: 0.5 });
 * ```
 */
export function measure<Step extends Forwarded>(
  ...metrics: readonly Metric[]
): MonoTypeOperatorFunction<Step> {
  return stage(() => {
    const memory = new Memory<Effect>();
    return (step) => {
      const effect = memory.get([step.outputs, step.y], () => ({
        metrics: { model: step.model, metrics },
        records: metrics.map((metric) => ({
          name: metric.name,
          totals: metric.apply(step.y, step.outputs),
          result: (...totals: Float64Array[]) => metric.result(...totals),
        })),
      }));
      step.frame.add(effect);
      return step;
    };
  });
}
