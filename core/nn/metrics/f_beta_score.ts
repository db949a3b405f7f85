import { literal } from "../../graph/leaf.ts";
import type { Tensor } from "../../graph/tensor.ts";
import { abs } from "../../ops/abs.ts";
import { cast } from "../../ops/cast.ts";
import { greater } from "../../ops/greater.ts";
import { greaterEqual } from "../../ops/greater_equal.ts";
import { logicalAnd } from "../../ops/logical.ts";
import { max } from "../../ops/max.ts";
import { mul } from "../../ops/mul.ts";
import { reshape } from "../../ops/reshape.ts";
import { sub } from "../../ops/sub.ts";
import { sum } from "../../ops/sum.ts";
import { checkChoice } from "../check_choice.ts";
import { checkScalar } from "../check_scalar.ts";
import { alignTargets, checkClasses } from "../losses/targets.ts";
import type { Metric, MetricTable } from "../metric.ts";

/** Options of {@link f1Score}. */
export interface F1ScoreOptions {
  /**
   * How the scores of the classes become one: `macro` is their mean, `weighted` that by how often
   * each class is right, `micro` takes all answers together; `none` (default) gives a table of one
   * row, the score of each class.
   */
  readonly average?: "none" | "micro" | "macro" | "weighted";
  /** Outputs above it mean yes; by default the largest output of a sample does. */
  readonly threshold?: number;
  /** Log name; default Keras's. */
  readonly name?: string;
}

/** Options of {@link fBetaScore}. */
export interface FBetaScoreOptions extends F1ScoreOptions {
  /** How much recall counts against precision, above 0; default 1. */
  readonly beta?: number;
}

/** Keeps quotients finite: Keras's epsilon. */
const epsilon = 1e-7;

/**
 * The weighted harmonic mean of precision and recall: (1 + beta²) · precision · recall / (beta² ·
 * precision + recall).
 *
 * @param options Beta, average, threshold, name.
 * @returns A metric named `fbeta_score`, of targets `[batch, classes]` of 0 and 1.
 * @throws {RangeError} when an option is out of its range.
 *
 * @example
 * ```ts
 * import { fBetaScore, metricValue, tensor } from "@millrace/millrace";
 * import assert from "node:assert/strict";
 *
 * const metric = fBetaScore({ beta: 2, threshold: 0.5 });
 * const targets = tensor([[1, 1, 1], [1, 0, 0], [1, 1, 0]]);
 * const outputs = tensor([[0.2, 0.6, 0.7], [0.2, 0.6, 0.6], [0.6, 0.8, 0]]);
 * const [row] = await metricValue(metric, targets, outputs) as number[][];
 * assert.deepEqual(row.map((score) => score.toFixed(4)), ["0.3846", "0.9091", "0.8333"]);
 * ```
 *
 * Keras: `FBetaScore`, whose average is `None` by default too.
 */
export function fBetaScore(options: FBetaScoreOptions = {}): Metric {
  const { beta = 1, average = "none", threshold, name = "fbeta_score" } = options;
  checkScalar("the beta of fBetaScore", beta, { minimum: Number.MIN_VALUE });
  if (threshold !== undefined) checkScalar("the threshold of fBetaScore", threshold);
  checkChoice("fBetaScore", "average", average, ["none", "micro", "macro", "weighted"]);
  return {
    name,
    direction: "max",
    apply: (targets, outputs, sampleWeight) =>
      answerTotals(targets, outputs, sampleWeight, threshold),
    result: (...totals) => scoreOf(totals, beta, average),
  };
}

/**
 * The harmonic mean of precision and recall: 2 · precision · recall / (precision + recall).
 *
 * @param options Average, threshold, name.
 * @returns A metric named `f1_score`, of targets `[batch, classes]` of 0 and 1.
 * @throws {RangeError} when an option is out of its range.
 *
 * @example
 * ```ts
 * import { f1Score, metricValue, tensor } from "@millrace/millrace";
 * import assert from "node:assert/strict";
 *
 * const metric = f1Score({ average: "micro", threshold: 0.5 });
 * const targets = tensor([[1, 1, 1], [1, 0, 0], [1, 1, 0]]);
 * const outputs = tensor([[0.2, 0.6, 0.7], [0.2, 0.6, 0.6], [0.6, 0.8, 0]]);
 * const score = await metricValue(metric, targets, outputs) as number;
 * assert.ok(Math.abs(score - 2 / 3) < 1e-6);
 * ```
 *
 * Keras: `F1Score`.
 */
export function f1Score(options: F1ScoreOptions = {}): Metric {
  const { name = "f1_score" } = options;
  return fBetaScore({ ...options, name, beta: 1 });
}

/** Right yeses, wrong yeses and missed ones of each class. */
function answerTotals(
  targets: Tensor,
  outputs: Tensor,
  sampleWeight: Tensor | undefined,
  threshold: number | undefined,
): Tensor[] {
  if (threshold === undefined) checkClasses("fBetaScore", outputs);
  const hints = { labels: "for class labels use one-hot targets" };
  const aligned = alignTargets("fBetaScore", targets, outputs, hints);
  const rows = (x: Tensor) => reshape(x, [x.shape[0], x.size / x.shape[0]]);
  const [wanted, given] = [rows(aligned), rows(outputs)];
  const yes = cast(
    threshold === undefined
      ? logicalAnd(
        greaterEqual(given, max(given, -1, { keepDims: true })),
        greater(abs(given), literal(1e-9)),
      )
      : greater(given, threshold),
    "f32",
  );
  const weight = sampleWeight && reshape(sampleWeight, [wanted.shape[0], 1]);
  const total = (x: Tensor) => sum(weight ? mul(x, weight) : x, 0);
  return [
    total(mul(yes, wanted)),
    total(mul(yes, sub(1, wanted))),
    total(mul(sub(1, yes), wanted)),
  ];
}

function scoreOf(
  totals: Float64Array[],
  beta: number,
  average: F1ScoreOptions["average"],
): number | MetricTable {
  const [right, wrong, missed] = average === "micro"
    ? totals.map((total) => Float64Array.of(sumOf(total)))
    : totals;
  const scores = Array.from(right, (value, place) => {
    const precision = value / (value + wrong[place] + epsilon);
    const recall = value / (value + missed[place] + epsilon);
    return (1 + beta ** 2) * precision * recall / (beta ** 2 * precision + recall + epsilon);
  });
  if (average === "none") return [scores];
  if (average !== "weighted") return sumOf(scores) / scores.length;
  const support = right.map((value, place) => value + missed[place]);
  const all = sumOf(support) + epsilon;
  return sumOf(scores.map((score, place) => score * support[place] / all));
}

function sumOf(values: ArrayLike<number>): number {
  return Array.from(values).reduce((sum, value) => sum + value, 0);
}
