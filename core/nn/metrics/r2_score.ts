import type { Tensor } from "../../graph/tensor.ts";
import { mul } from "../../ops/mul.ts";
import { reshape } from "../../ops/reshape.ts";
import { square } from "../../ops/square.ts";
import { sub } from "../../ops/sub.ts";
import { sum } from "../../ops/sum.ts";
import { checkChoice } from "../check_choice.ts";
import { checkCount } from "../check_count.ts";
import { alignTargets } from "../losses/targets.ts";
import { addTotals, type Metric } from "../metric.ts";
import { addShiftedSums, momentsOf, shiftedSums } from "./shifted_sums.ts";

/** Options of {@link r2Score}. */
export interface R2ScoreOptions {
  /**
   * How the scores of several outputs become one: their mean (`uniformAverage`, the default), that by
   * the variance of their targets (`varianceWeightedAverage`), or `none`, a table of one row.
   */
  readonly classAggregation?: "uniformAverage" | "varianceWeightedAverage" | "none";
  /** Regressors p, for the adjusted score 1 − (1 − r²)(n − 1) / (n − p − 1); default 0. */
  readonly numRegressors?: number;
  /** Log name; default `r2_score`. */
  readonly name?: string;
}

/**
 * The coefficient of determination: 1 − Σ(y − ŷ)² / Σ(y − ȳ)², over the whole epoch. 1 is perfect, 0
 * is no better than the mean. Squares are summed up about the mean of each batch, so that targets may
 * be far from zero.
 *
 * @param options Aggregation, regressors, name.
 * @returns A metric of targets `[batch, outputs]`; with one output `[batch]` will do.
 * @throws {RangeError} when an option is out of its range.
 *
 * @example
 * ```ts
 * import { metricValue, r2Score, tensor } from "@millrace/millrace";
 * import assert from "node:assert/strict";
 *
 * const value = await metricValue(r2Score(), tensor([1, 4, 3]), tensor([2, 4, 4])) as number;
 * assert.ok(Math.abs(value - 4 / 7) < 1e-6);
 * ```
 *
 * Keras: `R2Score`, whose n for `numRegressors` is that of all outputs; ours is that of the samples.
 */
export function r2Score(options: R2ScoreOptions = {}): Metric {
  const { classAggregation = "uniformAverage", numRegressors = 0, name = "r2_score" } = options;
  checkCount("numRegressors of r2Score", numRegressors);
  const known = ["uniformAverage", "varianceWeightedAverage", "none"];
  checkChoice("r2Score", "classAggregation", classAggregation, known);
  const hints = { labels: "are they class labels? then give one-hot targets" };
  return {
    name,
    direction: "max",
    apply(targets, outputs, sampleWeight) {
      const rows = (x: Tensor) => reshape(x, [x.shape[0], x.size / x.shape[0]]);
      const wanted = rows(alignTargets("r2Score", targets, outputs, hints));
      const errors = square(sub(wanted, rows(outputs)));
      const weight = sampleWeight && reshape(sampleWeight, [wanted.shape[0], 1]);
      return [
        ...shiftedSums([wanted], sampleWeight),
        sum(weight ? mul(errors, weight) : errors, 0),
        wanted.shape[0],
      ];
    },
    add(totals, batch) {
      addShiftedSums(1, totals, batch);
      addTotals(totals.slice(4), batch.slice(4));
    },
    result(...totals) {
      const [errors, [samples]] = totals.slice(4);
      const spread = momentsOf(1, totals).map(({ products: [square] }) => square);
      const scores = Array.from(errors, (error, place) => {
        const score = 1 - error / spread[place];
        return Math.abs(score) === Infinity ? 0 : score;
      });
      if (classAggregation === "none") return [scores.map((score) => adjust(score, samples))];
      const weights = classAggregation === "uniformAverage" ? spread.map(() => 1) : spread;
      const whole = weights.reduce((sum, value) => sum + value, 0);
      return adjust(
        scores.reduce((sum, score, place) => sum + score * weights[place] / whole, 0),
        samples,
      );
    },
  };

  function adjust(score: number, samples: number): number {
    if (numRegressors === 0) return score;
    return 1 - (1 - score) * (samples - 1) / (samples - numRegressors - 1);
  }
}
