import { ShapeError } from "../../graph/errors.ts";
import type { Tensor } from "../../graph/tensor.ts";
import { tensor } from "../../ops/eager.ts";
import { checkChoice } from "../check_choice.ts";
import { checkCount } from "../check_count.ts";
import { checkScalar } from "../check_scalar.ts";
import type { Metric } from "../metric.ts";
import {
  type AnswerOptions,
  checkClassId,
  type Counting,
  type Counts,
  countsOf,
  outputsOf,
  ratio,
  totalsAtThresholds,
} from "./counts_at_thresholds.ts";

/** Options of {@link auc}. */
export interface AucOptions extends AnswerOptions {
  /** Thresholds, from 2; default 200. */
  readonly numThresholds?: number;
  /** Thresholds from 0 to 1 to take instead; one below 0 and one above 1 are added. */
  readonly thresholds?: readonly number[];
  /** `ROC`: recall over the rate of false positives (default); `PR`: precision over recall. */
  readonly curve?: "ROC" | "PR";
  /**
   * How the area between two thresholds is taken: `interpolation` (default; for `PR` by Davis and
   * Goadrich), `minoring` for a lower bound, `majoring` for an upper one.
   */
  readonly summationMethod?: "interpolation" | "minoring" | "majoring";
  /**
   * Whether each output is a label with an area of its own, of which the metric is the mean; default
   * false: all outputs are taken as one long list of answers.
   */
  readonly multiLabel?: boolean;
  /** Labels that there must be with `multiLabel`, from 1; default as many as there are outputs. */
  readonly numLabels?: number;
  /**
   * How much each label counts, from 0: its area in the mean with `multiLabel`, each of its answers
   * without; default alike.
   */
  readonly labelWeights?: readonly number[];
}

/** Keeps thresholds off 0 and 1, so that outputs of 0 and 1 are on one side of all of them. */
const margin = 1e-7;

/**
 * The area under the curve that a classifier draws as its threshold goes from 0 to 1: for `ROC` the
 * chance that a yes gets a higher output than a no.
 *
 * Right and wrong answers are counted at each threshold over the whole epoch; the area is that of
 * the curve through these points.
 *
 * @param options Curve, thresholds, summation, labels, class, logits, name.
 * @returns A metric of targets `[batch, outputs]` of 0 and 1, and outputs from 0 to 1; with one
 * output `[batch]` will do. Several outputs are taken as one long list, unless they are labels.
 * @throws {RangeError} when an option is out of its range, or `classId` is given with options of
 * labels.
 *
 * @example
 * ```ts
 * import { auc, metricValue, tensor } from "@millrace/millrace";
 * import assert from "node:assert/strict";
 *
 * const [targets, outputs] = [tensor([0, 0, 1, 1]), tensor([0, 0.5, 0.3, 0.9])];
 * assert.equal(await metricValue(auc(), targets, outputs), 0.75);
 * ```
 *
 * Source: J. Davis, M. Goadrich, "The relationship between precision-recall and ROC curves", 2006.
 * Keras: `AUC`, with `multi_label`, `num_labels` and `label_weights`.
 */
export function auc(options: AucOptions = {}): Metric {
  const { curve = "ROC", summationMethod = "interpolation" } = options;
  checkLabels(options);
  checkChoice("auc", "curve", curve, ["ROC", "PR"]);
  checkChoice("auc", "summationMethod", summationMethod, ["interpolation", "minoring", "majoring"]);
  const thresholds = tensor(Float32Array.from(thresholdsOf(options)));
  const { classId, fromLogits, multiLabel = false, labelWeights } = options;
  const counting: Counting = {
    classId,
    fromLogits,
    perOutput: multiLabel,
    outputWeights: multiLabel ? undefined : labelWeights && tensor(labelWeights),
  };
  return {
    name: options.name ?? "auc",
    direction: "max",
    takesLogits: () => fromLogits ?? false,
    apply(targets, outputs, sampleWeight) {
      checkOutputs(outputs, options);
      return totalsAtThresholds("auc", targets, outputs, sampleWeight, thresholds, counting);
    },
    result(...totals) {
      const areas = labelsOf(countsOf(...totals), thresholds.size)
        .map((counts) => areaOf(counts, curve, summationMethod));
      const weights = multiLabel && labelWeights ? labelWeights : areas.map(() => 1);
      const weighted = areas.reduce((sum, each, label) => sum + each * weights[label], 0);
      return ratio(weighted, weights.reduce((sum, weight) => sum + weight, 0));
    },
  };
}

/** The counts of each label, which lie side by side at each threshold. */
function labelsOf(counts: Counts, thresholds: number): Counts[] {
  const labels = counts.truePositives.length / thresholds;
  return Array.from({ length: labels }, (_, label) => {
    const own = (all: Float64Array) => all.filter((_, place) => place % labels === label);
    return {
      truePositives: own(counts.truePositives),
      falsePositives: own(counts.falsePositives),
      falseNegatives: own(counts.falseNegatives),
      trueNegatives: own(counts.trueNegatives),
    };
  });
}

function areaOf(counts: Counts, curve: string, method: string): number {
  if (curve === "PR" && method === "interpolation") return interpolated(counts);
  const { truePositives, falsePositives, trueNegatives, falseNegatives } = counts;
  const shares = (part: Float64Array, rest: Float64Array) =>
    Array.from(part, (value, place) => ratio(value, value + rest[place]));
  const recall = shares(truePositives, falseNegatives);
  return curve === "ROC"
    ? area(shares(falsePositives, trueNegatives), recall, method)
    : area(recall, shares(truePositives, falsePositives), method);
}

function checkLabels(options: AucOptions): void {
  const { classId, multiLabel, numLabels, labelWeights = [] } = options;
  checkClassId("auc", options);
  if (numLabels !== undefined) checkCount("numLabels of auc", numLabels, 1);
  for (const weight of labelWeights) checkScalar("a label weight of auc", weight, { minimum: 0 });
  const others = Object.entries({ multiLabel, numLabels, labelWeights: options.labelWeights })
    .filter(([, value]) => value !== undefined && value !== false).map(([name]) => name);
  if (classId === undefined || others.length === 0) return;
  throw new RangeError(
    `Cannot make auc as it looks at one class or at all labels: received classId and ` +
      others.join(", "),
  );
}

/** Refuses outputs of another number than there are labels. */
function checkOutputs(outputs: Tensor, { numLabels, labelWeights }: AucOptions): void {
  const given = outputsOf(outputs);
  for (
    const [option, labels] of [["numLabels", numLabels], ["labelWeights", labelWeights?.length]]
  ) {
    if (labels === undefined || labels === given) continue;
    throw new ShapeError(
      `Cannot apply auc as there must be an output for each label of ${option}: received ` +
        `${given} for ${labels}`,
    );
  }
}

function thresholdsOf({ thresholds, numThresholds = 200 }: AucOptions): number[] {
  if (thresholds) {
    for (const threshold of thresholds) {
      checkScalar("a threshold of auc", threshold, { minimum: 0, maximum: 1 });
    }
    return [-margin, ...thresholds.toSorted((a, b) => a - b), 1 + margin];
  }
  const count = checkCount("numThresholds of auc", numThresholds, 2);
  const inner = Array.from({ length: count - 2 }, (_, place) => (place + 1) / (count - 1));
  return [-margin, ...inner, 1 + margin];
}

/** The area under y over x, both of which fall as the threshold rises. */
function area(x: readonly number[], y: readonly number[], method: string): number {
  let total = 0;
  for (let place = 0; place + 1 < x.length; place++) {
    const [high, low] = [y[place], y[place + 1]];
    const height = method === "interpolation"
      ? (high + low) / 2
      : method === "minoring"
      ? Math.min(high, low)
      : Math.max(high, low);
    total += (x[place] - x[place + 1]) * height;
  }
  return total;
}

/** The area under precision over recall, where true positives between two points are linear in all. */
function interpolated({ truePositives, falsePositives, falseNegatives }: Counts): number {
  let total = 0;
  for (let place = 0; place + 1 < truePositives.length; place++) {
    const next = place + 1;
    const answers = truePositives[place] + falsePositives[place];
    const later = truePositives[next] + falsePositives[next];
    const found = truePositives[place] - truePositives[next];
    const slope = ratio(found, Math.max(0, answers - later));
    const intercept = truePositives[next] - slope * later;
    const growth = answers > 0 && later > 0 ? answers / later : 1;
    total += ratio(
      slope * (found + intercept * Math.log(growth)),
      truePositives[next] + falseNegatives[next],
    );
  }
  return total;
}
