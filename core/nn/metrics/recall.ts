import type { Metric } from "../metric.ts";
import { ratio } from "./counts_at_thresholds.ts";
import { atThresholds, type PrecisionOptions } from "./precision.ts";

/**
 * The part of what should be yes that was found: true positives / (true positives and false
 * negatives), 0 without any.
 *
 * @param options Thresholds, how many largest outputs, class, logits, name.
 * @returns A metric of targets `[batch, outputs]` of 0 and 1; with one output `[batch]` will do.
 * @throws {RangeError} when a threshold is not a finite number, or `topK` no whole number from 1.
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
 * Keras: `Recall`.
 */
export function recall(options: PrecisionOptions = {}): Metric {
  return atThresholds(
    "recall",
    "recall",
    "max",
    options,
    ({ truePositives: found, falseNegatives: missed }) =>
      found.map((count, place) => ratio(count, count + missed[place])),
  );
}
