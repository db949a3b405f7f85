import { literal } from "../../graph/leaf.ts";
import type { Tensor } from "../../graph/tensor.ts";
import { add } from "../../ops/add.ts";
import { slice } from "../../ops/concat.ts";
import { div } from "../../ops/div.ts";
import { greater } from "../../ops/greater.ts";
import { mul } from "../../ops/mul.ts";
import { reshape } from "../../ops/reshape.ts";
import { select } from "../../ops/select.ts";
import { sub } from "../../ops/sub.ts";
import { mean, sum } from "../../ops/sum.ts";

/**
 * Sums of variables and of their products, from which variances follow: of each variable less a shift
 * near its mean. Of the numbers themselves, float32 would lose what is small against their squares:
 * of prices about 10,000 with a deviation of 1, all of it.
 *
 * As totals of a metric they are [weights, ...shifts, ...sums, ...products], each `[columns]` but the
 * first; the products are those of the pairs with i ≤ j. Batches have shifts of their own, so that
 * they are put together by {@link addShiftedSums}.
 *
 * T. Chan, G. Golub, R. LeVeque, "Algorithms for computing the sample variance", 1983.
 *
 * @param variables Each `[batch, columns]`.
 * @param sampleWeight How much each sample counts, `[batch]`.
 */
export function shiftedSums(
  variables: readonly Tensor[],
  sampleWeight: Tensor | undefined,
): (Tensor | number)[] {
  const [batch] = variables[0].shape;
  const weight = sampleWeight && reshape(sampleWeight, [batch, 1]);
  const count = sampleWeight && sum(sampleWeight);
  const total = (x: Tensor) => sum(weight ? mul(x, weight) : x, 0);
  const shifts = variables.map((x) => {
    // About the first sample, so that of a constant nothing at all is left.
    const first = slice(x, [0, 0], [1, x.shape[1]]);
    const rest = sub(x, first);
    // What counts for nothing, as padding does, must not draw the shift away from the rest.
    const way = count
      ? select(greater(count, 0), div(total(rest), count), literal(0))
      : mean(rest, 0);
    return add(reshape(first, [x.shape[1]]), way);
  });
  const rest = variables.map((x, place) => sub(x, shifts[place]));
  const products = pairs(rest.length).map(([i, j]) => total(mul(rest[i], rest[j])));
  return [count ?? batch, ...shifts, ...rest.map(total), ...products];
}

/**
 * Adds sums of a batch to those of an epoch, in float64. All are taken about the shifts of the first
 * batch: exact, as float64 has twice the digits of what it adds.
 *
 * @param variables How many variables there are.
 * @param totals Of the epoch so far; zeros for none.
 * @param batch Of the batch.
 */
export function addShiftedSums(
  variables: number,
  totals: readonly Float64Array[],
  batch: readonly Float64Array[],
): void {
  const [count] = batch[0];
  if (count === 0) return;
  if (totals[0][0] === 0) {
    // The first samples.
    for (let place = 0; place <= 2 * variables + pairs(variables).length; place++) {
      totals[place].set(batch[place]);
    }
    return;
  }
  totals[0][0] += count;
  const shift = (i: number) => 1 + i;
  const sumAt = (i: number) => 1 + variables + i;
  for (let column = 0; column < totals[1].length; column++) {
    const moved = (i: number) => batch[shift(i)][column] - totals[shift(i)][column];
    const added = (i: number) => batch[sumAt(i)][column];
    pairs(variables).forEach(([i, j], place) => {
      const at = 1 + 2 * variables + place;
      totals[at][column] += batch[at][column] + moved(i) * added(j) + moved(j) * added(i) +
        count * moved(i) * moved(j);
    });
    for (let i = 0; i < variables; i++) {
      totals[sumAt(i)][column] += added(i) + count * moved(i);
    }
  }
}

/** What {@link momentsOf} tells of one column. */
export interface ColumnMoments {
  /** Mean of each variable. */
  readonly means: readonly number[];
  /** Σ (x − x̄)(y − ȳ) of the pairs with i ≤ j. */
  readonly products: readonly number[];
}

/** Means, and sums of products about them, column by column, of what {@link shiftedSums} gives. */
export function momentsOf(variables: number, totals: readonly Float64Array[]): ColumnMoments[] {
  const [count] = totals[0];
  return Array.from(totals[1], (_, column) => {
    const sums = Array.from({ length: variables }, (_, i) => totals[1 + variables + i][column]);
    return {
      means: sums.map((sum, i) => totals[1 + i][column] + sum / count),
      products: pairs(variables).map(([i, j], place) =>
        totals[1 + 2 * variables + place][column] - sums[i] * sums[j] / count
      ),
    };
  });
}

/** 0 0, 0 1, 1 1 for two. */
function pairs(variables: number): [number, number][] {
  return Array.from({ length: variables }, (_, i) => i).flatMap((i) =>
    Array.from({ length: variables - i }, (_, j): [number, number] => [i, i + j])
  );
}
