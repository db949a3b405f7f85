import type { MonoTypeOperatorFunction } from "../nn/rxjs_types.ts";
import { checkCount } from "../nn/check_count.ts";
import { checkScalar } from "../nn/check_scalar.ts";
import { averageWeights } from "./average_weights.ts";
import type { AnyUpdated, Updated } from "./stages.ts";

/** Options of {@link exponentialMovingAverage}. */
export interface ExponentialMovingAverageOptions {
  /** Share of the old average in the new one, from 0 to 1; default 0.99. */
  readonly momentum?: number;
  /**
   * Whether averages stand in for the weights between epochs, as in validation; default true. After the
   * last epoch `keep` says so, too.
   */
  readonly validate?: boolean;
  /** Whether the model has the averages from the last epoch's validation on; default true. */
  readonly keep?: boolean;
  /** Updates after which training goes on from the averages, from 1; default none. */
  readonly overwriteFrequency?: number;
}

/**
 * Keeps a moving average of the trainable weights, which often validates better than the weights.
 *
 * average ← m·average + (1 − m)·weight after every update; the first average is the weight after
 * the first update. The averages live on the device. From the last step of an epoch to the next
 * step they stand in for the weights: validation, `checkpoint` and `earlyStopping` see them, and
 * training goes on from the weights, or from others that are put there meanwhile, as the best ones by
 * `earlyStopping`. A run that ends within an epoch leaves the weights.
 *
 * @param options Momentum, and where the averages are used.
 * @returns An operator on steps below `update`, which it passes on as they are.
 * @throws {RangeError} when an option is out of range.
 *
 * @example
 * ```ts
 * import {
 *   arrays, backward, dense, exponentialMovingAverage, forward, input, loss, meanSquaredError,
 *   miniBatches, sequential, sgd, update,
 * } from "@millrace/millrace";
 * import { lastValueFrom } from "rxjs";
 * import assert from "node:assert/strict";
 *
 * const model = sequential([input([1]), dense(1, { useBias: false, kernelInitializer: "zeros" })]);
 * const data = arrays([[1], [1]], [[1], [1]]);
 * const steps = miniBatches(data, { batchSize: 1, device: "cpu", threads: 1 }).pipe(
 *   forward(model),
 *   loss(meanSquaredError()),
 *   backward(),
 *   update(sgd({ learningRate: 0.25 })),
 *   exponentialMovingAverage({ momentum: 0.5 }),
 * );
 * await lastValueFrom(steps);
 * // The weight was 0.5, then 0.75.
 * assert.deepEqual([...model.parameters[0].value], [0.625]);
 * ```
 *
 * Source: Polyak and Juditsky, "Acceleration of stochastic approximation by averaging", 1992;
 * Keras 3, `use_ema`, `ema_momentum`, `ema_overwrite_frequency` and `SwapEMAWeights`, whose swap for
 * validation is to be asked for.
 */
export function exponentialMovingAverage<Step extends AnyUpdated = Updated>(
  options: ExponentialMovingAverageOptions = {},
): MonoTypeOperatorFunction<Step> {
  const { validate = true, keep = true, overwriteFrequency } = options;
  const momentum = checkScalar(
    "the momentum of exponentialMovingAverage",
    options.momentum ?? 0.99,
    { minimum: 0, maximum: 1 },
  );
  if (overwriteFrequency !== undefined) {
    checkCount("overwriteFrequency of exponentialMovingAverage", overwriteFrequency, 1);
  }
  return averageWeights("ema", {
    operator: "exponentialMovingAverage",
    share: (_, averaged) => averaged === 0 ? 0 : momentum,
    overwrites: (_, averaged) =>
      overwriteFrequency !== undefined && averaged % overwriteFrequency === 0,
    validate,
    keep,
  });
}
