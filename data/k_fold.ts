import { type DataSet, type Inputs, sampleCount, type Targets } from "./data_set.ts";
import { shuffledOrder } from "./shuffled_order.ts";
import { subset } from "./subset.ts";

/** How {@linkcode kFold} divides a data set. */
export interface KFoldOptions {
  /** Number of folds, from 2 to the number of samples; default 5. */
  readonly folds?: number;
  /** Whether to shuffle the samples first; default `false`. */
  readonly shuffle?: boolean;
  /** Seed of the shuffle, an integer from 0 to 2^32 − 1; default 0. */
  readonly seed?: number;
}

/** A part of a data set to validate on, and all others to train on. */
export interface Fold<X extends Inputs, Y extends Targets> {
  /** Number of the fold, from 1. */
  readonly fold: number;
  /** The samples of all other folds. */
  readonly train: DataSet<X, Y>;
  /** The samples of this fold. */
  readonly validation: DataSet<X, Y>;
}

/**
 * Divides a data set into folds for cross-validation: each of them validates once, and trains
 * otherwise.
 *
 * Folds are as large as each other, the first ones by a sample larger where they cannot be. They are
 * made as they are asked for.
 *
 * @param dataSet Any data set of as many samples as folds, or more.
 * @param options Number of folds, whether and how to shuffle first.
 * @returns The folds, in order; to be gone through more than once.
 * @throws {RangeError} If an option is out of its range.
 *
 * @example
 * ```ts
 * import { arrays, dense, fit, input, kFold, meanSquaredError, sequential, sgd } from "@millrace/millrace";
 * import { concatMap, from, last, lastValueFrom, toArray } from "rxjs";
 * import assert from "node:assert/strict";
 *
 * const data = arrays([[1], [2], [3], [4], [5], [6]], [[2], [4], [6], [8], [10], [12]]);
 * const folds = from(kFold(data, { folds: 3, shuffle: true })).pipe(
 *   concatMap(({ train, validation }) =>
 *     fit(sequential([input([1]), dense(1)]), train, {
 *       validation,
 *       loss: meanSquaredError(),
 *       optimizer: sgd({ learningRate: 0.05 }),
 *       epochs: 300,
 *       device: "cpu",
 *       threads: 1,
 *     }).pipe(last())
 *   ),
 *   toArray(),
 * );
 * const errors = (await lastValueFrom(folds)).map(({ logs }) => logs.val_loss);
 * assert.ok(errors.length === 3 && errors.every((error) => error < 0.01));
 * ```
 *
 * scikit-learn: `KFold`.
 */
export function kFold<X extends Inputs, Y extends Targets>(
  dataSet: DataSet<X, Y>,
  options: KFoldOptions = {},
): Iterable<Fold<X, Y>> {
  const { folds = 5, shuffle = false, seed = 0 } = options;
  const samples = sampleCount(dataSet);
  if (!(Number.isInteger(folds) && folds >= 2 && folds <= samples)) {
    throw new RangeError(
      `Cannot fold the data set as folds must be a whole number from 2 to its ${samples} samples: ` +
        `received ${folds}`,
    );
  }
  const order = shuffle
    ? shuffledOrder(samples, seed)
    : Uint32Array.from({ length: samples }, (_, sample) => sample);
  const start = (fold: number) =>
    fold * Math.floor(samples / folds) + Math.min(fold, samples % folds);
  return {
    *[Symbol.iterator]() {
      for (let fold = 0; fold < folds; fold++) {
        const [first, end] = [start(fold), start(fold + 1)];
        yield {
          fold: fold + 1,
          train: subset(dataSet, [...order.subarray(0, first), ...order.subarray(end)]),
          validation: subset(dataSet, order.subarray(first, end)),
        };
      }
    },
  };
}
