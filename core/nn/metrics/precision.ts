import { tensor } from "../../ops/eager.ts";
import { checkCount } from "../check_count.ts";
import { checkScalar } from "../check_scalar.ts";
import type { Metric } from "../metric.ts";
import {
  type AnswerOptions,
  checkClassId,
  type Counting,
  type Counts,
  countsOf,
  ratio,
  totalsAtThresholds,
} from "./counts_at_thresholds.ts";
import { belowAll } from "./keep_largest.ts";

/** Options of counts of right and wrong answers. */
export interface ThresholdOptions extends AnswerOptions {
  /**
   * Outputs above it mean yes; default 0.5. Of several the metric is a table of one row, a number
   * for each.
   */
  readonly thresholds?: number | readonly number[];
}

/** Options of {@link precision} and {@link recall}. */
export interface PrecisionOptions extends ThresholdOptions {
  /**
   * Only so many of the largest outputs of a sample may mean yes, from 1; they do, whatever they
   * are, unless there are `thresholds`. Default all.
   */
  readonly topK?: number;
}

/**
 * The part of the yeses that are right: true positives / (true and false positives), 0 without any.
 *
 * @param options Thresholds, how many largest outputs, class, logits, name.
 * @returns A metric of targets `[batch, outputs]` of 0 and 1; with one output `[batch]` will do.
 * @throws {RangeError} when a threshold is not a finite number, or `topK` no whole number from 1.
 *
 * @example
 * ```ts
 * import { metricValue, precision, tensor } from "@millrace/millrace";
 * import assert from "node:assert/strict";
 *
 * const [targets, outputs] = [tensor([0, 1, 1, 1]), tensor([0.9, 0.2, 0.8, 0.7])];
 * assert.equal(await metricValue(precision(), targets, outputs), 2 / 3);
 * const several = precision({ thresholds: [0.1, 0.75] });
 * assert.deepEqual(await metricValue(several, targets, outputs), [[0.75, 0.5]]);
 * ```
 *
 * Keras: `Precision`.
 */
export function precision(options: PrecisionOptions = {}): Metric {
  return atThresholds(
    "precision",
    "precision",
    "max",
    options,
    ({ truePositives: right, falsePositives: wrong }) =>
      right.map((count, place) => ratio(count, count + wrong[place])),
  );
}

/** A metric of the counts at some thresholds. */
export function atThresholds(
  factory: string,
  name: string,
  direction: "min" | "max",
  options: PrecisionOptions,
  result: (counts: Counts) => Float64Array,
): Metric {
  const { topK } = options;
  if (topK !== undefined) checkCount(`the topK of ${factory}`, topK, 1);
  const { thresholds = topK === undefined ? 0.5 : belowAll } = options;
  const list = typeof thresholds === "number" ? [thresholds] : [...thresholds];
  if (list.length === 0) {
    throw new RangeError(
      `Cannot make ${factory} as there must be a threshold: received an empty list`,
    );
  }
  for (const threshold of list) checkScalar(`a threshold of ${factory}`, threshold);
  checkClassId(factory, options);
  const levels = tensor(Float32Array.from(list));
  const { classId, fromLogits } = options;
  const counting: Counting = { topK, classId, fromLogits };
  return {
    name: options.name ?? name,
    direction,
    takesLogits: () => fromLogits || (list.every((x) => x > 0 && x < 1) ? false : undefined),
    apply: (targets, outputs, sampleWeight) =>
      totalsAtThresholds(factory, targets, outputs, sampleWeight, levels, counting),
    result(...totals) {
      const values = result(countsOf(...totals));
      return values.length === 1 ? values[0] : [Array.from(values)];
    },
  };
}
