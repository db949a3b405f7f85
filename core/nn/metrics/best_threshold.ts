import { tensor } from "../../ops/eager.ts";
import { checkCount } from "../check_count.ts";
import { checkScalar } from "../check_scalar.ts";
import type { Metric } from "../metric.ts";
import {
  type AnswerOptions,
  checkClassId,
  type Counts,
  countsOf,
  ratio,
  totalsAtThresholds,
} from "./counts_at_thresholds.ts";

/** Options of metrics that look for the best threshold. */
export interface BestThresholdOptions extends AnswerOptions {
  /** Thresholds from 0 to 1 that are tried, from 1; default 200. */
  readonly numThresholds?: number;
}

/** One rate at each threshold. */
type Rates = (counts: Counts) => number[];

const rates = {
  sensitivity: ({ truePositives, falseNegatives }) => shares(truePositives, falseNegatives),
  specificity: ({ trueNegatives, falsePositives }) => shares(trueNegatives, falsePositives),
  recall: ({ truePositives, falseNegatives }) => shares(truePositives, falseNegatives),
  precision: ({ truePositives, falsePositives }) => shares(truePositives, falsePositives),
} satisfies Record<string, Rates>;

function shares(part: Float64Array, rest: Float64Array): number[] {
  return Array.from(part, (value, place) => ratio(value, value + rest[place]));
}

/**
 * The best sensitivity at any threshold where the specificity is at least a given one; 0 where there is none.
 *
 * @param specificity The least specificity, 0 to 1.
 * @param options Number of thresholds, class, logits, name.
 * @returns A metric of targets `[batch, outputs]` of 0 and 1, and outputs from 0 to 1; with one
 * output `[batch]` will do.
 * @throws {RangeError} when the specificity is not from 0 to 1.
 *
 * @example
 * ```ts
 * import { metricValue, sensitivityAtSpecificity, tensor } from "@millrace/millrace";
 * import assert from "node:assert/strict";
 *
 * const [targets, outputs] = [tensor([0, 0, 0, 1, 1]), tensor([0, 0.3, 0.8, 0.3, 0.8])];
 * assert.equal(await metricValue(sensitivityAtSpecificity(0.5), targets, outputs), 0.5);
 * ```
 *
 * Keras: `SensitivityAtSpecificity`.
 */
export function sensitivityAtSpecificity(
  specificity: number,
  options: BestThresholdOptions = {},
): Metric {
  return bestAt(
    "sensitivityAtSpecificity",
    "sensitivity_at_specificity",
    ["specificity", specificity],
    rates.specificity,
    rates.sensitivity,
    options,
  );
}

/**
 * The best specificity at any threshold where the sensitivity is at least a given one; 0 where there is none.
 *
 * @param sensitivity The least sensitivity, 0 to 1.
 * @param options Number of thresholds, class, logits, name.
 * @returns A metric of targets `[batch, outputs]` of 0 and 1, and outputs from 0 to 1; with one
 * output `[batch]` will do.
 * @throws {RangeError} when the sensitivity is not from 0 to 1.
 *
 * @example
 * ```ts
 * import { metricValue, specificityAtSensitivity, tensor } from "@millrace/millrace";
 * import assert from "node:assert/strict";
 *
 * const [targets, outputs] = [tensor([0, 0, 0, 1, 1]), tensor([0, 0.3, 0.8, 0.3, 0.8])];
 * assert.equal(await metricValue(specificityAtSensitivity(0.5), targets, outputs), 2 / 3);
 * ```
 *
 * Keras: `SpecificityAtSensitivity`.
 */
export function specificityAtSensitivity(
  sensitivity: number,
  options: BestThresholdOptions = {},
): Metric {
  return bestAt(
    "specificityAtSensitivity",
    "specificity_at_sensitivity",
    ["sensitivity", sensitivity],
    rates.sensitivity,
    rates.specificity,
    options,
  );
}

/**
 * The best precision at any threshold where the recall is at least a given one; 0 where there is none.
 *
 * @param recall The least recall, 0 to 1.
 * @param options Number of thresholds, class, logits, name.
 * @returns A metric of targets `[batch, outputs]` of 0 and 1, and outputs from 0 to 1; with one
 * output `[batch]` will do.
 * @throws {RangeError} when the recall is not from 0 to 1.
 *
 * @example
 * ```ts
 * import { metricValue, precisionAtRecall, tensor } from "@millrace/millrace";
 * import assert from "node:assert/strict";
 *
 * const [targets, outputs] = [tensor([0, 0, 0, 1, 1]), tensor([0, 0.3, 0.8, 0.3, 0.8])];
 * assert.equal(await metricValue(precisionAtRecall(0.5), targets, outputs), 0.5);
 * ```
 *
 * Keras: `PrecisionAtRecall`.
 */
export function precisionAtRecall(recall: number, options: BestThresholdOptions = {}): Metric {
  return bestAt(
    "precisionAtRecall",
    "precision_at_recall",
    ["recall", recall],
    rates.recall,
    rates.precision,
    options,
  );
}

/**
 * The best recall at any threshold where the precision is at least a given one; 0 where there is none.
 *
 * @param precision The least precision, 0 to 1.
 * @param options Number of thresholds, class, logits, name.
 * @returns A metric of targets `[batch, outputs]` of 0 and 1, and outputs from 0 to 1; with one
 * output `[batch]` will do.
 * @throws {RangeError} when the precision is not from 0 to 1.
 *
 * @example
 * ```ts
 * import { metricValue, recallAtPrecision, tensor } from "@millrace/millrace";
 * import assert from "node:assert/strict";
 *
 * const [targets, outputs] = [tensor([0, 0, 1, 1]), tensor([0, 0.5, 0.3, 0.9])];
 * assert.equal(await metricValue(recallAtPrecision(0.8), targets, outputs), 0.5);
 * ```
 *
 * Keras: `RecallAtPrecision`.
 */
export function recallAtPrecision(precision: number, options: BestThresholdOptions = {}): Metric {
  return bestAt(
    "recallAtPrecision",
    "recall_at_precision",
    ["precision", precision],
    rates.precision,
    rates.recall,
    options,
  );
}

function bestAt(
  factory: string,
  name: string,
  [limit, least]: [name: string, value: number],
  bound: Rates,
  wanted: Rates,
  options: BestThresholdOptions,
): Metric {
  checkScalar(`the ${limit} of ${factory}`, least, { minimum: 0, maximum: 1 });
  checkClassId(factory, options);
  const count = checkCount(`numThresholds of ${factory}`, options.numThresholds ?? 200, 1);
  // Below 0, so that at the first one every answer is yes.
  const thresholds = tensor(Float32Array.from(
    { length: count },
    (_, place) => count === 1 ? 0.5 : place === 0 ? -1e-7 : place / (count - 1),
  ));
  return {
    name: options.name ?? name,
    direction: "max",
    apply: (targets, outputs, sampleWeight) =>
      totalsAtThresholds(factory, targets, outputs, sampleWeight, thresholds, options),
    result(...totals) {
      const counts = countsOf(...totals);
      const bounds = bound(counts);
      return Math.max(0, ...wanted(counts).filter((_, place) => bounds[place] >= least));
    },
  };
}
