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
import { checkCount } from "../check_count.ts";
import { alignTargets } from "../losses/targets.ts";

/** Options of metrics of yes-or-no answers. */
export interface AnswerOptions {
  /** The one class that is looked at; default all outputs together. */
  readonly classId?: number;
  /** Whether outputs come before the sigmoid; default false. */
  readonly fromLogits?: boolean;
  /** Log name; default Keras's. */
  readonly name?: string;
}

/** How often answers were right and wrong, at each threshold. */
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
 * each, and of all that should be yes and no, scalars. {@link countsOf} makes counts of them.
 *
 * @param name The metric's factory, for messages.
 */
export function totalsAtThresholds(
  name: string,
  targets: Tensor,
  outputs: Tensor,
  sampleWeight: Tensor | undefined,
  thresholds: Tensor,
  { classId, fromLogits = false }: AnswerOptions = {},
): Tensor[] {
  const hints = { labels: "for class labels use one-hot targets" };
  let wanted = alignTargets(name, targets, outputs, hints);
  let given = fromLogits ? sigmoid(outputs) : outputs;
  if (classId !== undefined) {
    wanted = columnOf(name, wanted, classId);
    given = columnOf(name, given, classId);
  }
  const flat = (x: Tensor) => reshape(x, [x.size]);
  const yes = flat(wanted);
  const no = sub(1, yes);
  const weight = sampleWeight && flat(spread(sampleWeight, given));
  const positive = weight ? mul(yes, weight) : yes;
  const negative = weight ? mul(no, weight) : no;
  const above = cast(greater(flat(given), reshape(thresholds, [thresholds.size, 1])), "f32");
  return [
    sum(mul(above, positive), -1),
    sum(mul(above, negative), -1),
    sum(positive),
    sum(negative),
  ];
}

/** Counts from the sums of {@link totalsAtThresholds}. */
export function countsOf(...totals: Float64Array[]): Counts {
  const [truePositives, falsePositives, [positives], [negatives]] = totals;
  // Float32 sums of weights differ in their last digits: there is nothing below 0.
  return {
    truePositives,
    falsePositives,
    falseNegatives: truePositives.map((count) => Math.max(0, positives - count)),
    trueNegatives: falsePositives.map((count) => Math.max(0, negatives - count)),
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
