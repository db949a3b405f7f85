import type { Metric } from "../metric.ts";
import { atThresholds, type ThresholdOptions } from "./precision.ts";

/**
 * The number of yeses that are right, each as often as its sample counts.
 *
 * @param options Thresholds, class, logits, name.
 * @returns A metric of targets `[batch, outputs]` of 0 and 1; with one output `[batch]` will do.
 * @throws {RangeError} when a threshold is not a finite number.
 *
 * @example
 * ```ts
 * import { truePositives, metricValue, tensor } from "@millrace/millrace";
 * import assert from "node:assert/strict";
 *
 * const targets = tensor([1, 0, 0, 0, 1, 1, 1]);
 * const outputs = tensor([0.9, 0.1, 0.6, 0.7, 0.2, 0.3, 0.4]);
 * assert.equal(await metricValue(truePositives(), targets, outputs), 1);
 * ```
 *
 * Keras: `TruePositives`.
 */
export function truePositives(options: ThresholdOptions = {}): Metric {
  return atThresholds(
    "truePositives",
    "true_positives",
    "max",
    options,
    ({ truePositives }) => truePositives,
  );
}

/**
 * The number of noes that are right, each as often as its sample counts.
 *
 * @param options Thresholds, class, logits, name.
 * @returns A metric of targets `[batch, outputs]` of 0 and 1; with one output `[batch]` will do.
 * @throws {RangeError} when a threshold is not a finite number.
 *
 * @example
 * ```ts
 * import { trueNegatives, metricValue, tensor } from "@millrace/millrace";
 * import assert from "node:assert/strict";
 *
 * const targets = tensor([1, 0, 0, 0, 1, 1, 1]);
 * const outputs = tensor([0.9, 0.1, 0.6, 0.7, 0.2, 0.3, 0.4]);
 * assert.equal(await metricValue(trueNegatives(), targets, outputs), 1);
 * ```
 *
 * Keras: `TrueNegatives`.
 */
export function trueNegatives(options: ThresholdOptions = {}): Metric {
  return atThresholds(
    "trueNegatives",
    "true_negatives",
    "max",
    options,
    ({ trueNegatives }) => trueNegatives,
  );
}

/**
 * The number of yeses that are wrong, each as often as its sample counts.
 *
 * @param options Thresholds, class, logits, name.
 * @returns A metric of targets `[batch, outputs]` of 0 and 1; with one output `[batch]` will do.
 * @throws {RangeError} when a threshold is not a finite number.
 *
 * @example
 * ```ts
 * import { falsePositives, metricValue, tensor } from "@millrace/millrace";
 * import assert from "node:assert/strict";
 *
 * const targets = tensor([1, 0, 0, 0, 1, 1, 1]);
 * const outputs = tensor([0.9, 0.1, 0.6, 0.7, 0.2, 0.3, 0.4]);
 * assert.equal(await metricValue(falsePositives(), targets, outputs), 2);
 * ```
 *
 * Keras: `FalsePositives`.
 */
export function falsePositives(options: ThresholdOptions = {}): Metric {
  return atThresholds(
    "falsePositives",
    "false_positives",
    "min",
    options,
    ({ falsePositives }) => falsePositives,
  );
}

/**
 * The number of noes that are wrong, each as often as its sample counts.
 *
 * @param options Thresholds, class, logits, name.
 * @returns A metric of targets `[batch, outputs]` of 0 and 1; with one output `[batch]` will do.
 * @throws {RangeError} when a threshold is not a finite number.
 *
 * @example
 * ```ts
 * import { falseNegatives, metricValue, tensor } from "@millrace/millrace";
 * import assert from "node:assert/strict";
 *
 * const targets = tensor([1, 0, 0, 0, 1, 1, 1]);
 * const outputs = tensor([0.9, 0.1, 0.6, 0.7, 0.2, 0.3, 0.4]);
 * assert.equal(await metricValue(falseNegatives(), targets, outputs), 3);
 * ```
 *
 * Keras: `FalseNegatives`.
 */
export function falseNegatives(options: ThresholdOptions = {}): Metric {
  return atThresholds(
    "falseNegatives",
    "false_negatives",
    "min",
    options,
    ({ falseNegatives }) => falseNegatives,
  );
}
