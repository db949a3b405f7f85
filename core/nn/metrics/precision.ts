import { tensor } from "../../ops/eager.ts";
import { checkScalar } from "../check_scalar.ts";
import type { Metric } from "../metric.ts";
import {
  type AnswerOptions,
  checkClassId,
  countsOf,
  ratio,
  totalsAtThresholds,
} from "./counts_at_thresholds.ts";

/** Options of {@link precision}, {@link recall} and counts of right and wrong answers. */
export interface ThresholdOptions extends AnswerOptions {
  /** Outputs above it mean yes; default 0.5. */
  readonly threshold?: number;
}

/**
 * The part of the yeses that are right: true positives / (true and false positives), 0 without any.
 *
 * @param options Threshold, class, logits, name.
 * @returns A metric of targets `[batch, outputs]` of 0 and 1; with one output `[batch]` will do.
 * @throws {RangeError} when the threshold is not a finite number.
 *
 * @example
 * ```ts
 * import { metricValue, precision, tensor } from "@millrace/millrace";
 * import assert from "node:assert/strict";
 *
 * const [targets, outputs] = [tensor([0, 1, 1, 1]), tensor([0.9, 0.2, 0.8, 0.7])];
 * assert.equal(await metricValue(precision(), targets, outputs), 2 / 3);
 * ```
 *
 * Keras: `Precision`; `topK` and lists of thresholds are left out.
 */
export function precision(options: ThresholdOptions = {}): Metric {
  return atThreshold(
    "precision",
    "precision",
    "max",
    options,
    ({ truePositives: [right], falsePositives: [wrong] }) => ratio(right, right + wrong),
  );
}

/** A metric of the counts at one threshold. */
export function atThreshold(
  factory: string,
  name: string,
  direction: "min" | "max",
  options: ThresholdOptions,
  result: (counts: ReturnType<typeof countsOf>) => number,
): Metric {
  const { threshold = 0.5 } = options;
  checkScalar(`the threshold of ${factory}`, threshold);
  checkClassId(factory, options);
  const thresholds = tensor(Float32Array.of(threshold));
  return {
    name: options.name ?? name,
    direction,
    apply: (targets, outputs, sampleWeight) =>
      totalsAtThresholds(factory, targets, outputs, sampleWeight, thresholds, options),
    result: (...totals) => result(countsOf(...totals)),
  };
}
