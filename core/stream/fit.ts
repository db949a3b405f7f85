import { isObservable } from "rxjs";
import type { MonoTypeOperatorFunction, Observable } from "../nn/rxjs_types.ts";
import {
  type AnyDataSet,
  type DataSet,
  type Inputs,
  sampleCount,
  type Targets,
} from "../../data/data_set.ts";
import { trainValidationSplit } from "../../data/split.ts";
import type { Tensor } from "../graph/tensor.ts";
import type { Tensors } from "../nn/named.ts";
import type { Model } from "../nn/model.ts";
import type { Optimizer } from "../nn/optimizer.ts";
import { accumulateGradients, type AccumulationSteps } from "./accumulate_gradients.ts";
import { backward } from "./backward.ts";
import { classWeight, type ClassWeights } from "./class_weight.ts";
import { clipGradients, type ClipGradientsOptions } from "./clip_gradients.ts";
import type { Losses, LossWeights, Metrics } from "./criteria.ts";
import type { Epoch } from "./epoch.ts";
import { epochs, type EpochsOptions } from "./epochs.ts";
import { forward } from "./forward.ts";
import { loss } from "./loss.ts";
import type { ByLossFunction } from "./loss_function.ts";
import { measuring } from "./measure.ts";
import { miniBatches, type MiniBatchesOptions } from "./mini_batches.ts";
import { received } from "../state/received.ts";
import type { Reduction } from "./score.ts";
import type { InputsFor, TensorsFor } from "./resident_data.ts";
import type { Batch, Updated } from "./stages.ts";
import { update } from "./update.ts";

/** Options of {@link fit}. */
export interface FitOptions<
  X extends Tensors = Tensor,
  Y extends Tensors = Tensor,
  O extends Tensors = Tensor,
> extends MiniBatchesOptions, Omit<EpochsOptions, "validation"> {
  /** The loss, or losses by the names of outputs. */
  readonly loss: Losses<O>;
  /** Factors of the losses in their sum, by the names of outputs; default 1. */
  readonly lossWeights?: LossWeights<O>;
  /** The rule that changes the weights. */
  readonly optimizer: Optimizer;
  /** How the losses of samples become one number; default `sumOverBatchSize`. */
  readonly reduction?: Reduction;
  /** How much each class counts in training, for one target; default 1, also of those not named. */
  readonly classWeight?: ClassWeights;
  /** Metrics to log, in which each sample counts once, or such by outputs; default none. */
  readonly metrics?: Metrics<O>;
  /** Metrics to log, in which each sample counts by its weight; default none. */
  readonly weightedMetrics?: Metrics<O>;
  /** Data to validate on after each epoch. */
  readonly validation?: AnyDataSet;
  /** Share of the data, above 0 and below 1, to validate on: the last samples, as in Keras. */
  readonly validationSplit?: number;
  /** Batches whose gradients make one update, or the number for each epoch; default 1. */
  readonly accumulateGradients?: AccumulationSteps;
  /** Limit of the gradients; default none. */
  readonly clipGradients?: ClipGradientsOptions;
  /** Operators on batches, in order, before the model: `mixUp()`, `cutMix()`. */
  readonly batchOperators?: readonly MonoTypeOperatorFunction<Batch<X, Y>>[];
  /**
   * Operators on steps, in order: a progress bar, a log. In a list that is made beforehand those that
   * epochs have, too, say where they stand: `checkpoint<Updated>(…)`.
   */
  readonly stepOperators?: readonly MonoTypeOperatorFunction<Updated<X, Y, O>>[];
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
 * @throws {TypeError} when there are no options, or operators are not in a list.
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
export function fit<X extends Tensors, O extends Tensors, Y extends Targets>(
  model: Model<X, O>,
  dataSet: DataSet<InputsFor<X> & Inputs, Y>,
  options: ByLossFunction<FitOptions<X, TensorsFor<Y>, O>, X, TensorsFor<Y>, O>,
): Observable<Epoch>;
/** Trains a model by the losses of its outputs. */
export function fit<X extends Tensors, O extends Tensors, Y extends Targets>(
  model: Model<X, O>,
  dataSet: DataSet<InputsFor<X> & Inputs, Y>,
  options: FitOptions<X, TensorsFor<Y>, O>,
): Observable<Epoch>;
export function fit<X extends Tensors, O extends Tensors, Y extends Targets>(
  model: Model<X, O>,
  dataSet: DataSet<InputsFor<X> & Inputs, Y>,
  options: FitOptions<X, TensorsFor<Y>, O>,
): Observable<Epoch> {
  if (typeof options !== "object" || options === null) {
    throw new TypeError(
      `Cannot fit without options: give a loss and an optimizer, as { loss: meanSquaredError(), ` +
        `optimizer: sgd() } (received ${received(options)})`,
    );
  }
  const { train, validation } = splitData(dataSet, options);
  // The compiler does not see that the tensors for a model's inputs are its inputs.
  const batches = miniBatches<Inputs, Y>(train, options) as unknown as Observable<
    Batch<X, TensorsFor<Y>>
  >;
  const weighted = options.classWeight
    ? batches.pipe(weighClasses<X, TensorsFor<Y>>(options.classWeight))
    : batches;
  const ready = piped(weighted, "batchOperators", options.batchOperators);
  const differentiated = ready.pipe(
    forward(model),
    loss(options.loss, { reduction: options.reduction, lossWeights: options.lossWeights }),
    backward(),
  );
  const gathered = options.accumulateGradients === undefined
    ? differentiated
    : differentiated.pipe(accumulateGradients(options.accumulateGradients));
  const clipped = options.clipGradients
    ? gathered.pipe(clipGradients(options.clipGradients))
    : gathered;
  const updated = clipped.pipe(
    update(options.optimizer),
    measuring<Updated<X, TensorsFor<Y>, O>>(options.metrics ?? [], false),
    measuring<Updated<X, TensorsFor<Y>, O>>(options.weightedMetrics ?? [], true),
  );
  const steps = piped(updated, "stepOperators", options.stepOperators);
  const ended = steps.pipe(epochs({ ...options, validation }));
  return piped(ended, "callbacks", options.callbacks);
}

/** A stream with operators of the user's below it; refuses what is no list of them. */
function piped<Event>(
  stream: Observable<Event>,
  name: string,
  operators: readonly MonoTypeOperatorFunction<Event>[] = [],
): Observable<Event> {
  const refuse = (given: unknown, where = ""): never => {
    throw new TypeError(
      `Cannot fit as ${name} must be a list of operators, such as [earlyStopping()]: received ` +
        `${received(given)}${where}`,
    );
  };
  if (!Array.isArray(operators)) refuse(operators);
  return operators.reduce((above, operator) => {
    const below = typeof operator === "function" ? operator(above) : undefined;
    // A function that was not called, such as earlyStopping, makes an operator, which is no stream.
    return isObservable(below) ? below : refuse(operator, " in it");
  }, stream);
}

/** {@link classWeight}, which refuses targets by name as its first batch comes. */
function weighClasses<X extends Tensors, Y extends Tensors>(
  weights: ClassWeights,
): MonoTypeOperatorFunction<Batch<X, Y>> {
  return classWeight(weights) as unknown as MonoTypeOperatorFunction<Batch<X, Y>>;
}

function splitData<X extends Inputs, Y extends Targets>(
  dataSet: DataSet<X, Y>,
  { validation, validationSplit }: {
    readonly validation?: AnyDataSet;
    readonly validationSplit?: number;
  },
): { train: DataSet<X, Y>; validation?: AnyDataSet } {
  if (validationSplit === undefined) return { train: dataSet, validation };
  if (validation) {
    throw new RangeError(
      `Cannot fit with both validation and validationSplit: give one (received a set of ` +
        `${sampleCount(validation)} samples and ${validationSplit})`,
    );
  }
  return trainValidationSplit(dataSet, { validationSplit });
}
