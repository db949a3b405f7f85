import type { MonoTypeOperatorFunction } from "../nn/rxjs_types.ts";
import { checkCount } from "../nn/check_count.ts";
import { checkScalar } from "../nn/check_scalar.ts";
import { checkHyperparameter, type Hyperparameter } from "../nn/hyperparameter.ts";
import { averageWeights } from "./average_weights.ts";
import type { AnyUpdated, Updated } from "./stages.ts";
import { unusedWarning } from "./unused_warning.ts";

/** Options of {@link stochasticWeightAveraging}. */
export interface StochasticWeightAveragingOptions {
  /** The rate while weights are averaged, from 0: large enough to wander about. */
  readonly swaLearningRate: number;
  /**
   * The first epoch whose weights are averaged: a share of all epochs from 0 to below 1, or an
   * epoch's number from 1; default 0.8.
   */
  readonly start?: number;
  /** Epochs in which the rate goes from its own to `swaLearningRate`, from 0; default 10. */
  readonly annealEpochs?: number;
  /** The curve that it follows; default `"cos"`. */
  readonly anneal?: "cos" | "linear";
  /**
   * Whether averages stand in for the weights between epochs, as in validation; default true. After the
   * last epoch they do so in any case.
   */
  readonly validate?: boolean;
}

/**
 * Averages the weights at the ends of the last epochs, while the learning rate stays up, which finds
 * flatter minima.
 *
 * average ← (n·average + weight) / (n + 1) at the end of epoch s and of each after it. The rate goes
 * from what it is then to `swaLearningRate`. The averages stand in for the weights from the end of an
 * epoch to the next step, as those of `exponentialMovingAverage` do, and the model has them at the
 * end.
 *
 * @param learningRate The rate, which the optimizer was given.
 * @param options The rate to go to, and when.
 * @returns An operator on steps below `update`, which it passes on as they are.
 * @throws {RangeError} when an option is out of range; on the error channel when `start` is a share
 * of epochs without end.
 *
 * @example
 * ```ts
 * import {
 *   arrays, backward, dense, forward, hyperparameter, input, loss, meanSquaredError, miniBatches,
 *   sequential, sgd, stochasticWeightAveraging, update,
 * } from "@millrace/millrace";
 * import { lastValueFrom } from "rxjs";
 * import assert from "node:assert/strict";
 *
 * const model = sequential([input([1]), dense(1, { useBias: false, kernelInitializer: "zeros" })]);
 * const learningRate = hyperparameter(0.25);
 * const steps = miniBatches(arrays([[1]], [[1]]), { epochs: 3, device: "cpu", threads: 1 }).pipe(
 *   forward(model),
 *   loss(meanSquaredError()),
 *   backward(),
 *   update(sgd({ learningRate })),
 *   stochasticWeightAveraging(learningRate, { swaLearningRate: 0.25, start: 2 }),
 * );
 * await lastValueFrom(steps);
 * // The weight was 0.5, 0.75 and 0.875; the last two are averaged.
 * assert.deepEqual([...model.parameters[0].value], [0.8125]);
 * ```
 *
 * Source: Izmailov and others, "Averaging weights leads to wider optima and better generalization",
 * 2018; Lightning, `StochasticWeightAveraging(swa_lrs, swa_epoch_start=0.8, annealing_epochs=10)`,
 * which validates the weights, not the averages. Statistics of batch normalization stay those of
 * the weights. Keras has no such callback.
 */
export function stochasticWeightAveraging<Step extends AnyUpdated = Updated>(
  learningRate: Hyperparameter,
  options: StochasticWeightAveragingOptions,
): MonoTypeOperatorFunction<Step> {
  const { start = 0.8, anneal = "cos", validate = true, swaLearningRate } = options;
  const name = "stochasticWeightAveraging";
  checkHyperparameter(`the rate of ${name}`, learningRate);
  checkScalar(`swaLearningRate of ${name}`, swaLearningRate, { minimum: 0 });
  checkScalar(`start of ${name}`, start, { minimum: 0 });
  if (start >= 1) checkCount(`start of ${name}`, start, 1);
  const annealEpochs = checkCount(`annealEpochs of ${name}`, options.annealEpochs ?? 10);
  if (anneal !== "cos" && anneal !== "linear") {
    throw new RangeError(
      `Cannot use ${name} as anneal must be "cos" or "linear": received ${JSON.stringify(anneal)}`,
    );
  }
  const firstEpoch = (step: Step) => firstAveraged(start, step.frame.run.epochs);
  return averageWeights<Step>("swa", {
    operator: name,
    share: (step, averaged) =>
      step.stepInEpoch === step.stepsPerEpoch && step.epoch >= firstEpoch(step as Step)
        ? averaged / (averaged + 1)
        : null,
    validate,
    keep: true,
  }, (onRun) => {
    // The rate to come from.
    let state: { rate: number | null } = { rate: null };
    onRun((run) =>
      void run.keep("swaRate", {
        save: () => state,
        restore: (saved) => state = saved as typeof state,
      })
    );
    const warn = unusedWarning(name, learningRate);
    return (step) => {
      warn(step);
      const past = step.epoch - firstEpoch(step);
      if (step.stepInEpoch !== 1 || past <= 0) return;
      state.rate ??= learningRate.value;
      const part = Math.min(1, past / Math.max(1, annealEpochs));
      const way = anneal === "cos" ? (1 - Math.cos(Math.PI * part)) / 2 : part;
      learningRate.next(swaLearningRate * way + state.rate * (1 - way));
    };
  });
}

/** The first epoch whose weights are averaged. */
function firstAveraged(start: number, epochs: number): number {
  if (start >= 1) return start;
  if (Number.isFinite(epochs)) return Math.max(1, Math.floor(start * epochs));
  throw new RangeError(
    `Cannot start stochasticWeightAveraging at ${start} of all epochs as they have no end: give ` +
      `start as the number of an epoch`,
  );
}
