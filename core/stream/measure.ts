import type { MonoTypeOperatorFunction } from "../nn/rxjs_types.ts";
import type { Metric } from "../nn/metric.ts";
import type { Effect, Frame, Measured } from "./frame.ts";
import { Memory, stage } from "./stage.ts";
import type { Forwarded } from "./stages.ts";

/**
 * Adds metrics to the logs. They are summed on the device at every step and read at the end of
 * the epoch; validation computes them too.
 *
 * Every sample counts once, also where samples have weights, as in Keras's `metrics`; for others
 * there is {@link measureWeighted}.
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
  return measuring(metrics, false);
}

/**
 * As {@link measure}, where each sample counts by its weight: that of the data set, times that of
 * its class where {@link classWeight} gives one. In validation it is that of the data set alone.
 *
 * @param metrics The metrics. One whose name is taken is logged as `weighted_accuracy`.
 * @returns An operator that lets steps through as they are.
 *
 * @example
 * ```ts
 * import {
 *   accuracy, arrays, dense, forward, input, measure, measureWeighted, miniBatches, sequential,
 * } from "@millrace/millrace";
 * import { lastValueFrom, mergeMap } from "rxjs";
 * import assert from "node:assert/strict";
 *
 * const model = sequential([input([1]), dense(2, { kernelInitializer: "zeros" })]);
 * const data = arrays([[1], [2]], [0, 1], { classes: 2, sampleWeight: [3, 1] });
 * const steps = miniBatches(data, { device: "cpu", threads: 1 }).pipe(
 *   forward(model),
 *   measure(accuracy()),
 *   measureWeighted(accuracy()),
 *   mergeMap((step) => step.values()),
 * );
 * assert.deepEqual(await lastValueFrom(steps), { accuracy: 0.5, weighted_accuracy: 0.75 });
 * ```
 *
 * Keras: `weighted_metrics`.
 */
export function measureWeighted<Step extends Forwarded>(
  ...metrics: readonly Metric[]
): MonoTypeOperatorFunction<Step> {
  return measuring(metrics, true);
}

function measuring<Step extends Forwarded>(
  metrics: readonly Metric[],
  weighted: boolean,
): MonoTypeOperatorFunction<Step> {
  return stage(() => {
    const memory = new Memory<Effect>();
    return (step) => {
      const weight = weighted ? step.sampleWeight ?? undefined : undefined;
      const effect = memory.get([step.outputs, step.y, weight], () => {
        const measured = named(metrics, weighted, namesIn(step.frame));
        return {
          metrics: { model: step.model, metrics: measured },
          records: measured.map(({ metric, name }) => ({
            name,
            totals: metric.apply(step.y, step.outputs, weight),
            result: (...totals: Float64Array[]) => metric.result(...totals),
          })),
        };
      });
      step.frame.add(effect);
      return step;
    };
  });
}

/** Metrics as Keras names them: a weighted one has a prefix where its name is taken. */
export function named(
  metrics: readonly Metric[],
  weighted: boolean,
  taken: ReadonlySet<string>,
): Measured[] {
  return metrics.map((metric) => ({
    metric,
    weighted,
    name: weighted && taken.has(metric.name) ? `weighted_${metric.name}` : metric.name,
  }));
}

function namesIn({ effects }: Frame): Set<string> {
  return new Set(effects.flatMap(({ records = [] }) => records.map(({ name }) => name)));
}
