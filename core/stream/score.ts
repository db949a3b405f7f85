import type { Tensor } from "../graph/tensor.ts";
import type { AnyModel } from "../nn/connect.ts";
import type { Parameter } from "../nn/parameter.ts";
import { add } from "../ops/add.ts";
import { cast } from "../ops/cast.ts";
import { div } from "../ops/div.ts";
import { literal } from "../graph/leaf.ts";
import { greater } from "../ops/greater.ts";
import { mul } from "../ops/mul.ts";
import type { WeighedClasses } from "./stages.ts";
import { select } from "../ops/select.ts";
import { mean, sum } from "../ops/sum.ts";

/** How the losses of a batch's samples become one number. */
export type Reduction = "sumOverBatchSize" | "sum" | "meanWithSampleWeight";

const reductions: readonly string[] = [
  "sumOverBatchSize",
  "sum",
  "meanWithSampleWeight",
] satisfies Reduction[];

/** What {@link score} is given beside the losses. */
export interface ScoreOptions {
  /** How losses become one number. */
  readonly reduction: Reduction;
  /** How much each sample counts, `[batch]`. */
  readonly sampleWeight: Tensor | null;
  /** Weights of classes, which are in `sampleWeight` unless labels are those of steps. */
  readonly classWeights?: WeighedClasses | null;
  /** Which samples count at all, `[batch]`, bool; by default each does. */
  readonly counted?: Tensor;
}

/** Sums to log: of losses, and of what they are divided by. */
export type ScoreTotals = readonly [total: Tensor, count: Tensor | number];

/** The loss of a batch. */
export interface Score {
  /** What training makes small, a scalar. */
  readonly value: Tensor;
  /** What to log is the sum of their quotients. */
  readonly totals: readonly [ScoreTotals, ...ScoreTotals[]];
}

/** Refuses a reduction that is not known. */
export function checkReduction(reduction: Reduction): Reduction {
  if (reductions.includes(reduction)) return reduction;
  throw new RangeError(
    `Cannot reduce a loss as reduction must be one of ${reductions.join(", ")}: received ` +
      `${JSON.stringify(reduction)}`,
  );
}

/** A loss and all penalties. */
export function withPenalties(score: Score, penalties: readonly Tensor[]): Score {
  return penalties.reduce<Score>(({ value, totals: [[total, count], ...others] }, penalty) => ({
    value: add(value, penalty),
    totals: [[add(total, mul(penalty, count)), count], ...others],
  }), score);
}

/** The loss of a batch from the losses of its samples, `[batch]`. */
export function score(losses: Tensor, options: ScoreOptions): Score {
  const { reduction, sampleWeight, counted } = options;
  const samples = losses.size;
  // What does not count may be anything: a product with 0 would keep what is not finite.
  const known = counted ? select(counted, losses, 0) : losses;
  const weighted = sampleWeight ? mul(known, sampleWeight) : known;
  const total = sum(weighted);
  if (reduction === "sum") return { value: total, totals: [[mul(total, samples), samples]] };
  const byWeight = reduction === "meanWithSampleWeight" && sampleWeight;
  if (!byWeight && !counted) return { value: mean(weighted), totals: [[total, samples]] };
  const counts = counted && cast(counted, "f32");
  const weights = byWeight ? (counts ? mul(sampleWeight, counts) : sampleWeight) : counts!;
  const count = sum(weights);
  // Where all weights are 0 the loss is 0.
  const divisor = select(greater(count, 0), count, literal(1));
  return { value: div(total, divisor), totals: [[total, count]] };
}

/** The number to log from the sums of {@link Score.totals}; 0 for a mean whose weights all are. */
export function loggedLoss(...totals: readonly Float64Array[]): number {
  return totals.reduce((sum, [total], place) => {
    const count = totals[place + 1]?.[0] ?? 0;
    return place % 2 === 1 || count === 0 ? sum : sum + total / count;
  }, 0);
}

/** The penalties of a model's trainable weights, as they are now. */
export function weightPenalties(
  model: AnyModel,
  state: ReadonlyMap<Parameter, Tensor>,
): Tensor[] {
  return model.trainableParameters.filter(({ regularizer }) => regularizer)
    .map((parameter) => parameter.regularizer!.apply(state.get(parameter)!));
}
