import { type DataSet, type Inputs, sampleCount, sliceSamples, type Targets } from "./data_set.ts";
import { shuffledOrder } from "./shuffled_order.ts";
import { subset } from "./subset.ts";

/** How {@linkcode trainValidationSplit} divides a data set. */
export interface SplitOptions {
  /** Share of the samples set aside for validation, above 0 and below 1. */
  validationSplit: number;
  /** Whether to shuffle the samples first, which copies them; default `false`. */
  shuffle?: boolean;
  /** Seed of the shuffle, an integer from 0 to 2^32 − 1; default 0. */
  seed?: number;
}

/**
 * Divides a data set into samples to train on and samples to validate on.
 *
 * The validation part is the last `validationSplit` of the samples, as in Keras: the training part
 * has `floor(samples * (1 - validationSplit))`. Data sorted by class should be shuffled first.
 *
 * @param dataSet Any data set of two samples or more.
 * @param options Share of the validation part, and whether and how to shuffle first.
 * @returns The two parts; without `shuffle` they share memory with `dataSet`.
 * @throws {RangeError} If an option is out of its range, or a part would be empty.
 *
 * @example
 * ```ts
 * import assert from "node:assert/strict";
 * import { arrays, trainValidationSplit } from "@millrace/millrace";
 *
 * const all = arrays([[1], [2], [3], [4], [5]], [1, 2, 3, 4, 5]);
 * const { train, validation } = trainValidationSplit(all, { validationSplit: 0.4 });
 * assert.deepEqual([...train.y.data], [1, 2, 3]);
 * assert.deepEqual([...validation.y.data], [4, 5]);
 * ```
 */
export function trainValidationSplit<X extends Inputs, Y extends Targets>(
  dataSet: DataSet<X, Y>,
  options: SplitOptions,
): { train: DataSet<X, Y>; validation: DataSet<X, Y> } {
  const { shuffle = false, seed = 0 } = options ?? ({} as SplitOptions);
  const samples = sampleCount(dataSet);
  const trainSamples = trainingShare("data set", samples, options);
  const ordered = shuffle ? subset(dataSet, shuffledOrder(samples, seed)) : dataSet;
  return {
    train: sliceSamples(ordered, 0, trainSamples),
    validation: sliceSamples(ordered, trainSamples, samples),
  };
}

/** How many of `samples` are to be trained on; refuses a share that leaves a part empty. */
export function trainingShare(
  what: string,
  samples: number,
  options: SplitOptions,
): number {
  const { validationSplit } = options ?? ({} as SplitOptions);
  if (!(validationSplit > 0 && validationSplit < 1)) {
    throw new RangeError(
      `Cannot split the ${what} as validationSplit must be above 0 and below 1: ` +
        `received ${validationSplit}`,
    );
  }
  // 10 * (1 - 0.9) is 0.9999999999999998: rounding noise must not cost a sample.
  const count = Math.floor(samples * (1 - validationSplit) + 1e-6);
  if (count > 0 && count < samples) return count;
  throw new RangeError(
    `Cannot split the ${what} as neither part may be empty: received ${samples} samples and a ` +
      `validationSplit of ${validationSplit}`,
  );
}
