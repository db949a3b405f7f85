import type { MonoTypeOperatorFunction, Observable } from "../nn/rxjs_types.ts";
import { type DataSet, sampleCount } from "../../data/data_set.ts";
import { trainValidationSplit } from "../../data/split.ts";
import type { Loss } from "../nn/loss.ts";
import type { Metric } from "../nn/metric.ts";
import type { Model } from "../nn/model.ts";
import type { Optimizer } from "../nn/optimizer.ts";
import { backward } from "./backward.ts";
import { classWeight, type ClassWeights } from "./class_weight.ts";
import { clipGradients, type ClipGradientsOptions } from "./clip_gradients.ts";
import type { Epoch } from "./epoch.ts";
import { epochs } from "./epochs.ts";
import { forward } from "./forward.ts";
import { loss } from "./loss.ts";
import { measure, measureWeighted } from "./measure.ts";
import { miniBatches, type MiniBatchesOptions } from "./mini_batches.ts";
import type { Reduction } from "./score.ts";
import type { Updated } from "./stages.ts";
import { update } from "./update.ts";

/** Options of {@link fit}. */
export interface FitOptions extends MiniBatchesOptions {
  /** The loss. */
  readonly loss: Loss;
  /** The rule that changes the weights. */
  readonly optimizer: Optimizer;
  /** How the losses of samples become one number; default `sumOverBatchSize`. */
  readonly reduction?: Reduction;
  /** How much each class counts in training; default each the same. */
  readonly classWeight?: ClassWeights;
  /** Metrics to log, in which each sample counts once; default none. */
  readonly metrics?: readonly Metric[];
  /** Metrics to log, in which each sample counts by its weight; default none. */
  readonly weightedMetrics?: readonly Metric[];
  /** Data to validate on after each epoch. */
  readonly validation?: DataSet;
  /** Share of the data, above 0 and below 1, to validate on: the last samples, as in Keras. */
  readonly validationSplit?: number;
  /** Limit of the gradients; default none. */
  readonly clipGradients?: ClipGradientsOptions;
  /** Operators on steps, in order: a progress bar, a log. */
  readonly stepOperators?: readonly MonoTypeOperatorFunction<Updated>[];
  /** Operators on epochs, in order: Keras's callbacks. */
  readonly callbacks?: readonly MonoTypeOperatorFunction<Epoch>[];
}

/**
 * Trains a model: the pipe of stages in one call.
 *
 * @param model The model; its weights change.
 * @param dataSet The data.
 * @param options Loss, optimizer, metrics, callbacks, and the options of {@link miniBatches}.
 * @returns A cold stream of epochs: training begins when it is subscribed to, and unsubscribing
 * ends it.
 * @throws {RangeError} when an option is out of range, or two validation options are given.
 *
 * @example
 * ```ts
 * import {
 *   arrays, dense, fit, input, meanSquaredError, sequential, sgd,
 * } from "@millrace/millrace";
 * import { lastValueFrom } from "rxjs";
 * import assert from "node:assert/strict";
 *
 * const model = sequential([input([1]), dense(1)]);
 * const training = fit(model, arrays([[1], [2], [3]], [[2], [4], [6]]), {
 *   loss: meanSquaredError(),
 *   optimizer: sgd({ learningRate: 0.1 }),
 *   epochs: 200,
 *   device: "cpu",
 *   threads: 1,
 * });
 * const { logs } = await lastValueFrom(training);
 * assert.ok(logs.loss < 1e-3);
 * ```
 *
 * Keras: `Model.fit`; epochs come as they end, so that there is no list of callbacks to learn.
 */
export function fit(model: Model, dataSet: DataSet, options: FitOptions): Observable<Epoch> {
  const { train, validation } = splitData(dataSet, options);
  const batches = miniBatches(train, options);
  const weighted = options.classWeight ? batches.pipe(classWeight(options.classWeight)) : batches;
  const differentiated = weighted.pipe(
    forward(model),
    loss(options.loss, { reduction: options.reduction }),
    backward(),
  );
  const clipped = options.clipGradients
    ? differentiated.pipe(clipGradients(options.clipGradients))
    : differentiated;
  const updated = clipped.pipe(
    update(options.optimizer),
    measure(...options.metrics ?? []),
    measureWeighted(...options.weightedMetrics ?? []),
  );
  const steps = (options.stepOperators ?? []).reduce(
    (stream, operator) => stream.pipe(operator),
    updated,
  );
  return (options.callbacks ?? []).reduce(
    (stream, callback) => stream.pipe(callback),
    steps.pipe(epochs({ validation })),
  );
}

function splitData(
  dataSet: DataSet,
  { validation, validationSplit }: FitOptions,
): { train: DataSet; validation?: DataSet } {
  if (validationSplit === undefined) return { train: dataSet, validation };
  if (validation) {
    throw new RangeError(
      `Cannot fit with both validation and validationSplit: give one (received a set of ` +
        `${sampleCount(validation)} samples and ${validationSplit})`,
    );
  }
  return trainValidationSplit(dataSet, { validationSplit });
}
