import type { Assignment } from "../graph/program.ts";
import type { TensorData } from "../graph/dtype.ts";
import { DisposedError } from "../graph/errors.ts";
import type { Tensor } from "../graph/tensor.ts";
import type { Metric } from "../nn/metric.ts";
import type { AnyModel } from "../nn/connect.ts";
import type { ApplyContext } from "../nn/layer.ts";
import type { Parameter } from "../nn/parameter.ts";
import type { Criteria } from "./criteria.ts";
import type { ProfileReceiver } from "./profiles.ts";
import type { RecordDefinition } from "./record_layout.ts";
import type { Run } from "./run.ts";
import type { Reduction } from "./score.ts";

/** A metric as it is logged. */
export interface Measured {
  /** The metric. */
  readonly metric: Metric;
  /** Log name. */
  readonly name: string;
  /** Name of the output that it judges; `null` for a model's only one. */
  readonly output: string | null;
  /** Whether samples count by their weights. */
  readonly weighted: boolean;
}

/** What validation computes: a model with its loss and metrics. */
export interface Evaluation {
  /** The model. */
  readonly model: AnyModel;
  /** Its losses. */
  readonly criteria: Criteria;
  /** Log name of the loss. */
  readonly name: string;
  /** How the losses of samples become one number. */
  readonly reduction: Reduction;
  /** Its metrics. */
  readonly metrics: readonly Measured[];
  /** What takes the place of weights, by states of the run: averages of them. */
  readonly weights?: ReadonlyMap<Parameter, Tensor>;
}

/** What a stage adds to a step. A stage gives the same object for the same step again. */
export interface Effect {
  /** States to replace. */
  readonly assignments?: readonly Assignment[];
  /** Values to sum up. */
  readonly records?: readonly RecordDefinition[];
  /**
   * Records of some steps only. They come behind all others, so that a step that has them computes
   * the rest in the same order as one without, by the same kernels where these have been compiled.
   */
  readonly checks?: readonly RecordDefinition[];
  /** The weights that later stages see. */
  readonly state?: ReadonlyMap<Parameter, Tensor>;
  /** What validation repeats. */
  readonly evaluation?: Omit<Evaluation, "metrics" | "weights">;
  /** Metrics that validation repeats, with the model whose outputs they judge. */
  readonly metrics?: Pick<Evaluation, "model" | "metrics">;
  /** The model that an optimizer trains, its weights with gradients, and those of them that it takes. */
  readonly trained?: {
    readonly model: AnyModel;
    readonly all: readonly Parameter[];
    readonly updated: readonly Parameter[];
  };
  /** What validation puts in the place of weights, by states of the run. */
  readonly evaluationWeights?: ReadonlyMap<Parameter, Tensor>;
  /** The scalar of the learning rate, to log. */
  readonly learningRate?: Tensor;
}

/** Where a step stands in its run. */
export interface FramePosition {
  /** Epoch, from 1. */
  readonly epoch: number;
  /** Step since the run began, from 1. */
  readonly step: number;
  /** Step in the epoch, from 1. */
  readonly stepInEpoch: number;
  /** Steps in the epoch. */
  readonly stepsPerEpoch: number;
  /** Samples in the batch. */
  readonly samples: number;
  /** Samples before the batch in the epoch. */
  readonly start: number;
}

/** A request for a tensor's elements, made while the step was staged. */
export interface ReadRequest {
  /** The tensor. */
  readonly tensor: Tensor;
  /** Answers with the elements. */
  resolve(data: TensorData | Promise<TensorData>): void;
  /** Answers with an error. */
  reject(error: unknown): void;
}

/** The record of one step: what its stages want done once the chain below has returned. */
export class Frame {
  /** Epoch, from 1. */
  readonly epoch: number;
  /** Step since the run began, from 1. */
  readonly step: number;
  /** Step in the epoch, from 1. */
  readonly stepInEpoch: number;
  /** Steps in the epoch. */
  readonly stepsPerEpoch: number;
  /** Samples in the batch. */
  readonly samples: number;
  /** Samples before the batch in the epoch. */
  readonly start: number;
  /** What stages want done, in order. */
  readonly effects: Effect[] = [];
  /** Tensors to read after the step. */
  readonly reads: ReadRequest[] = [];
  /** Promises that the source waits for. */
  readonly holds: Promise<unknown>[] = [];
  /** Takes a promise that comes when the source waits for {@link Frame.holds} already. */
  holdLate: ((promise: Promise<unknown>) => void) | undefined;
  /** Who wants to know where the step's time goes; usually nobody. */
  profilers: ProfileReceiver[] | null = null;
  /** True where a step may reset states; the forward stage then makes it possible. */
  resettable = false;
  /** True when states that go from batch to batch begin anew at this step. */
  resetsStates = false;
  /** True when the source waits, before the next step, until nothing is under way. */
  alone = false;
  /** The weights that the next stage sees. */
  state: ReadonlyMap<Parameter, Tensor>;
  readonly #afterwards: (() => void)[] = [];
  readonly #whenRun: (() => void)[] = [];
  #closed = false;
  /** True once the step has been handed to the device, or has failed. */
  #finished = false;
  #executed: PromiseWithResolvers<void> | undefined;

  /** @param run The run. @param position Where the step stands. */
  constructor(readonly run: Run, position: FramePosition) {
    this.epoch = position.epoch;
    this.step = position.step;
    this.stepInEpoch = position.stepInEpoch;
    this.stepsPerEpoch = position.stepsPerEpoch;
    this.samples = position.samples;
    this.start = position.start;
    this.state = run.weightTable.leaves;
  }

  /**
   * Adds what a stage wants done.
   *
   * @throws {DisposedError} when the step has run: an operator above has delayed it.
   */
  add(effect: Effect): void {
    if (this.#closed) {
      throw new DisposedError(
        `Cannot add to step ${this.step} as it has run already: operators between the source and ` +
          `the last stage must be synchronous (no delay, observeOn, concatMap or mergeMap)`,
      );
    }
    this.effects.push(effect);
    if (effect.state) this.state = effect.state;
  }

  /** What tensors of an operator's own may ask for. */
  get context(): ApplyContext {
    return this.run.context(true);
  }

  /** Makes the source wait, once its permits are used up, until `promise` has settled. */
  hold(promise: Promise<unknown>): void {
    // Whoever waits for the holds sees the error; nobody may be there yet.
    promise.catch(() => {});
    if (this.holdLate) this.holdLate(promise);
    else this.holds.push(promise);
  }

  /** Calls `action` as soon as the step has run, before the next one; now if it has. */
  afterwards(action: () => void): void {
    checkPresent(this);
    if (this.#finished) return action();
    this.#afterwards.push(action);
  }

  /** Calls `action` when the step has run, or failed and nobody has heard of it; now if it has. */
  whenRun(action: () => void): void {
    if (this.#finished) return action();
    this.#whenRun.push(action);
  }

  /** The elements of `tensor` in this step, once it has run. */
  read(tensor: Tensor): Promise<TensorData> {
    const { promise, resolve, reject } = Promise.withResolvers<TensorData>();
    promise.catch(() => {});
    this.reads.push({ tensor, resolve, reject });
    return promise;
  }

  /** Answers whoever reads a tensor, in the order of {@link Frame.reads}. */
  answer(read: (place: number) => TensorData | Promise<TensorData>): void {
    this.reads.forEach(({ resolve, reject }, place) => {
      try {
        resolve(read(place));
      } catch (error) {
        reject(error);
      }
    });
  }

  /** Asks where the step's time goes; `receive` is told once the step is done. */
  profile(receive: ProfileReceiver): void {
    checkPresent(this);
    (this.profilers ??= []).push(receive);
  }

  /** Settles when the step has been handed to the device. */
  get executed(): Promise<void> {
    if (!this.#executed) {
      this.#executed = Promise.withResolvers<void>();
      this.#executed.promise.catch(() => {});
      if (this.#finished) this.#executed.resolve();
    }
    return this.#executed.promise;
  }

  /** Learning rates of the step by log name, if its values were asked for. */
  learningRates: Readonly<Record<string, number>> = {};
  /** True once somebody has asked for the step's values. */
  wanted = false;

  /** This step's values by log name, once they are known. */
  values(): Promise<Readonly<Record<string, number>>> {
    this.wanted = true;
    const values = this.run.collector.values(this)
      .then((known) => ({ ...known, ...this.learningRates }));
    // A run that fails rejects them; nobody may be listening.
    values.catch(() => {});
    return values;
  }

  /** True once the chain below has returned. */
  get closed(): boolean {
    return this.#closed;
  }

  /** No stage may add anything from now on. */
  close(): void {
    this.#closed = true;
  }

  /** The step has been handed to the device, or has failed. */
  finish(error?: unknown): void {
    this.#finished = true;
    for (const action of this.#whenRun) action();
    if (error !== undefined) return this.#executed?.reject(error);
    for (const action of this.#afterwards) action();
    this.#executed?.resolve();
  }
}

/**
 * Refuses a step that comes when the run has gone on.
 *
 * @throws {DisposedError} when there has been another one since, or the run is over.
 */
export function checkPresent(frame: Frame): void {
  if (!frame.closed || (frame.run.frame === frame && !frame.run.closed)) return;
  throw new DisposedError(
    `Cannot follow step ${frame.step} as the run has gone on since: operators above must be ` +
      `synchronous (no delay, observeOn, concatMap or mergeMap)`,
  );
}
