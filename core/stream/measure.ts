import type { MonoTypeOperatorFunction } from "../nn/rxjs_types.ts";
import type { Metric } from "../nn/metric.ts";
import type { Tensors } from "../nn/named.ts";
import { type Criteria, criteriaOf, measuredBy, type Metrics } from "./criteria.ts";
import type { Effect, Frame, Measured } from "./frame.ts";
import { type Judge, warnOfLogits } from "./logits_warning.ts";
import { measureRecords } from "./score_outputs.ts";
import { Memory, stage } from "./stage.ts";
import { type AnyForwarded, type Forwarded, Scored } from "./stages.ts";

/**
 * Adds metrics to the logs. They are summed on the device at every step and read at the end of
 * the epoch; validation computes them too.
 *
 * Labels that the loss above ignores (`ignoreClass`) count for nothing here, too; Keras
 * takes them for wrong answers.
 *
 * Every sample counts once, also where samples have weights, as in Keras's `metrics`; for others
 * there is {@link measureWeighted}. Where outputs have a mask, the steps that it lets through are the
 * samples.
 *
 * Below {@link loss}, a metric of probabilities whose outputs are logits is warned of on stderr.
 *
 * @param metrics The metrics; for a model with several outputs, lists of metrics by the names of
 * outputs, logged as `kind_accuracy`.
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
): MonoTypeOperatorFunction<Step>;
/** Adds metrics of a model with several outputs, by their names. */
export function measure<Step extends AnyForwarded>(
  metrics: MetricsByName<Step["outputs"]>,
): MonoTypeOperatorFunction<Step>;
export function measure<Step extends AnyForwarded>(
  ...metrics: readonly Metric[] | readonly [MetricsByName<Tensors>]
): MonoTypeOperatorFunction<Step> {
  return measuring(isMetrics(metrics) ? metrics : metrics[0], false);
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
): MonoTypeOperatorFunction<Step>;
/** Adds weighted metrics of a model with several outputs, by their names. */
export function measureWeighted<Step extends AnyForwarded>(
  metrics: MetricsByName<Step["outputs"]>,
): MonoTypeOperatorFunction<Step>;
export function measureWeighted<Step extends AnyForwarded>(
  ...metrics: readonly Metric[] | readonly [MetricsByName<Tensors>]
): MonoTypeOperatorFunction<Step> {
  return measuring(isMetrics(metrics) ? metrics : metrics[0], true);
}

/** Metrics by the names of outputs. */
export type MetricsByName<O extends Tensors> = Exclude<Metrics<O>, readonly Metric[]>;

/** {@link measure} or {@link measureWeighted}, of metrics in either form. */
export function measuring<Step extends AnyForwarded>(
  metrics: Metrics<Tensors>,
  weighted: boolean,
): MonoTypeOperatorFunction<Step> {
  return stage(weighted ? "measureWeighted" : "measure", "forward", () => {
    const memory = new Memory<Effect>();
    let warned = false;
    return (step) => {
      const { model, outputs, y, masks, frame } = step;
      const sampleWeight = weighted ? step.sampleWeight : null;
      const effect = memory.get([outputs, masks, y, sampleWeight], () => {
        const measured = measuredBy(metrics, weighted, namesIn(frame));
        const criteria = step instanceof Scored && step.lossFunction
          ? criteriaOf(step.lossFunction)
          : [];
        warned ||= warnOfLogits(model, outputs, judgesOf(measured, criteria));
        return {
          metrics: { model, metrics: measured },
          records: measureRecords(
            measured,
            { outputs, targets: y, masks },
            { sampleWeight, classWeights: step.classWeights },
            criteria,
          ),
        };
      });
      frame.add(effect);
      return step;
    };
  });
}

function isMetrics(
  metrics: readonly Metric[] | readonly [MetricsByName<Tensors>],
): metrics is readonly Metric[] {
  const [first] = metrics;
  return metrics.length !== 1 || typeof first !== "object" || typeof first?.apply === "function";
}

/** Metrics of outputs that by their loss are logits or probabilities, not just any numbers. */
function judgesOf(measured: readonly Measured[], criteria: Criteria): Judge[] {
  if ("terms" in criteria) return [];
  const sure = criteria.filter(({ loss }) => loss.takesLogits).map(({ output }) => output);
  return measured.filter(({ output }) => sure.includes(output))
    .map(({ output, metric }) => ({ output, judge: metric }));
}

function namesIn({ effects }: Frame): Set<string> {
  return new Set(effects.flatMap(({ records = [] }) => records.map(({ name }) => name)));
}
