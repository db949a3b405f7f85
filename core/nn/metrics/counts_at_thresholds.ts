import { ShapeError } from "../../graph/errors.ts";
import { sizeOf } from "../../graph/shape.ts";
import type { Tensor } from "../../graph/tensor.ts";
import { broadcastTo } from "../../ops/sum.ts";
import { cast } from "../../ops/cast.ts";
import { greater } from "../../ops/greater.ts";
import { mul } from "../../ops/mul.ts";
import { reshape } from "../../ops/reshape.ts";
import { sigmoid } from "../../ops/sigmoid.ts";
import { slice } from "../../ops/concat.ts";
import { sub } from "../../ops/sub.ts";
import { sum } from "../../ops/sum.ts";
import { transpose } from "../../ops/transpose.ts";
import { checkCount } from "../check_count.ts";
import { alignTargets } from "../losses/targets.ts";
import { keepLargest } from "./keep_largest.ts";

/** Options of metrics of yes-or-no answers. */
export interface AnswerOptions {
  /** The one class that is looked at; default all outputs together. */
  readonly classId?: number;
  /** Whether outputs come before the sigmoid; default false. */
  readonly fromLogits?: boolean;
  /** Log name; default Keras's. */
  readonly name?: string;
}

/** How the answers of a metric are counted. */
export interface Counting extends AnswerOptions {
  /** Only so many of the largest outputs of a sample may be yes; default all. */
  readonly topK?: number;
  /** Whether each output has counts of its own; default false: they are taken as one long list. */
  readonly perOutput?: boolean;
  /** How much each output counts, `[outputs]`; default alike. */
  readonly outputWeights?: Tensor;
}

/** How often answers were right and wrong, at each threshold, of each output where these are apart. */
export interface Counts {
  /** Yes, and right. */
  readonly truePositives: Float64Array;
  /** Yes, and wrong. */
  readonly falsePositives: Float64Array;
  /** No, and wrong. */
  readonly falseNegatives: Float64Array;
  /** No, and right. */
  readonly trueNegatives: Float64Array;
}

/** Refuses a class that is not a whole number from 0. */
export function checkClassId(metric: string, { classId }: AnswerOptions): void {
  if (classId !== undefined) checkCount(`the classId of ${metric}`, classId);
}

/**
 * Sums of weights: of the right and of the wrong answers above each of `thresholds`, `[thresholds]`
 * each, and of all that should be yes and no, scalars; with `perOutput`, `[thresholds, outputs]` and
 * `[outputs]`. {@link countsOf} makes counts of them.
 *
 * @param name The metric's factory, for messages.
 */
export function totalsAtThresholds(
  name: string,
  targets: Tensor,
  outputs: Tensor,
  sampleWeight: Tensor | undefined,
  thresholds: Tensor,
  counting: Counting = {},
): Tensor[] {
  const { classId, fromLogits = false, topK, perOutput = false, outputWeights } = counting;
  const hints = { labels: "for class labels use one-hot targets" };
  let wanted = alignTargets(name, targets, outputs, hints);
  let given = fromLogits ? sigmoid(outputs) : outputs;
  if (topK !== undefined) given = keepLargest(name, given, topK);
  if (classId !== undefined) {
    wanted = columnOf(name, wanted, classId);
    given = columnOf(name, given, classId);
  }
  const weights = [sampleWeight && spread(sampleWeight, given), outputWeights]
    .filter((weight) => weight !== undefined)
    .map((weight) => broadcastTo(weight, given.shape));
  // Samples last: they are what sums go over.
  const arranged = (x: Tensor) =>
    perOutput ? transpose(reshape(x, [x.size / outputsOf(x), outputsOf(x)])) : reshape(x, [x.size]);
  const yes = arranged(wanted);
  const weighted = (x: Tensor) =>
    weights.reduce((product, weight) => mul(product, arranged(weight)), x);
  const [positive, negative] = [weighted(yes), weighted(sub(1, yes))];
  const column = reshape(thresholds, [thresholds.size, ...yes.shape.map(() => 1)]);
  const above = cast(greater(arranged(given), column), "f32");
  return [
    sum(mul(above, positive), -1),
    sum(mul(above, negative), -1),
    sum(positive, -1),
    sum(negative, -1),
  ];
}

/** Outputs of a sample. */
export function outputsOf(x: Tensor): number {
  return x.rank < 2 ? 1 : x.shape[x.rank - 1];
}

/** Counts from the sums of {@link totalsAtThresholds}. */
export function countsOf(...totals: Float64Array[]): Counts {
  const [truePositives, falsePositives, positives, negatives] = totals;
  // Float32 sums of weights differ in their last digits: there is nothing below 0.
  const rest = (all: Float64Array, part: Float64Array) =>
    part.map((count, place) => Math.max(0, all[place % all.length] - count));
  return {
    truePositives,
    falsePositives,
    falseNegatives: rest(positives, truePositives),
    trueNegatives: rest(negatives, falsePositives),
  };
}

/** Sample weights `[batch]` for every element of `x`, `[batch, ...]`. */
export function spread(sampleWeight: Tensor, x: Tensor): Tensor {
  const column = reshape(sampleWeight, x.shape.map((size, axis) => axis === 0 ? size : 1));
  return broadcastTo(column, x.shape);
}

/** a / b, and 0 where b is 0. */
export function ratio(a: number, b: number): number {
  return b === 0 ? 0 : a / b;
}

function columnOf(name: string, x: Tensor, classId: number): Tensor {
  const last = x.rank - 1;
  if (x.rank < 2 || classId >= x.shape[last]) {
    throw new ShapeError(
      `Cannot apply ${name} as classId must be below the number of outputs: received ${classId} ` +
        `for ${x.rank < 2 ? 1 : x.shape[last]}`,
    );
  }
  const rows = reshape(x, [sizeOf(x.shape.slice(0, -1)), x.shape[last]]);
  const column = slice(rows, [0, classId], [rows.shape[0], classId + 1]);
  return reshape(column, x.shape.slice(0, -1));
}
