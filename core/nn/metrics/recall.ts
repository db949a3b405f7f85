import type { Metric } from "../metric.ts";
import { ratio } from "./counts_at_thresholds.ts";
import { atThreshold, type ThresholdOptions } from "./precision.ts";

/**
 * The part of what should be yes that was found: true positives / (true positives and false
 * negatives), 0 without any.
 *
 * @param options Threshold, class, logits, name.
 * @returns A metric of targets `[batch, outputs]` of 0 and 1; with one output `[batch]` will do.
 * @throws {RangeError} when the threshold is not a finite number.
 *
 * @example
 * ```ts
 * import { metricValue, recall, tensor } from "@millrace/millrace";
 * import assert from "node:assert/strict";
 *
 * const [targets, outputs] = [tensor([0, 1, 1, 1]), tensor([0.9, 0.2, 0.8, 0.7])];
 * assert.equal(await metricValue(recall(), targets, outputs), 2 / 3);
 * ```
 *
 * Keras: `Recall`; `topK` and lists of thresholds are left out.
 */
export function recall(options: ThresholdOptions = {}): Metric {
  return atThreshold(
    "recall",
    "recall",
    "max",
    options,
    ({ truePositives: [found], falseNegatives: [missed] }) => ratio(found, found + missed),
  );
}
