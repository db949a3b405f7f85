import { Observable, type Subscriber } from "rxjs";
import type { OperatorFunction } from "../nn/rxjs_types.ts";
import { type AnyDataSet, type Inputs, isStored, sampleCount } from "../../data/data_set.ts";
import { DataError, NonFiniteError, ShapeError } from "../graph/errors.ts";
import { formatShape, sameShape, type Shape } from "../graph/shape.ts";
import { checkCount } from "../nn/check_count.ts";
import type { AnyModel } from "../nn/connect.ts";
import { entriesOf } from "../nn/named.ts";
import type { Epoch } from "./epoch.ts";
import { checkPresent, type Frame } from "./frame.ts";
import type { RecordSums } from "./record_layout.ts";
import { perRun, withRunListener } from "./run_listeners.ts";
import { checkStage } from "./stage_order.ts";
import type { AnyUpdated } from "./stages.ts";
import { KnownEvaluations } from "./known_evaluations.ts";
import { evaluationsOf, Validation } from "./validation.ts";

/** Options of {@link epochs}. */
export interface EpochsOptions {
  /** Data on which losses and metrics are computed after each epoch, as `val_loss` and so on. */
  readonly validation?: AnyDataSet;
  /** Epochs from one validation to the next, from 1; default 1 (Keras: `validation_freq`). */
  readonly validationFrequency?: number;
  /** Batches of a validation, from 1; default all (Keras: `validation_steps`). */
  readonly validationSteps?: number;
  /**
   * Samples in a batch of validation, from 1; default: alike, 1,024 at most. A loss of a whole batch, as
   * a sum is, is one of so many samples in `val_loss`.
   */
  readonly validationBatchSize?: number;
  /**
   * Batches that are validated before the first step, from 0, to find what is wrong with them before
   * an epoch is lost; default 0 (Lightning: `num_sanity_val_steps`, 2).
   */
  readonly sanitySteps?: number;
}

/**
 * Gathers steps into epochs. After the last step of each, losses and metrics are read from the
 * device, validation is run in inference mode, and the next epoch waits for both. What a branch that
 * learns at some steps alone asks for is in the `val_` logs from the first of its steps on; in a run
 * that is resumed, from the first since then.
 *
 * @param options Validation data.
 * @returns An operator from {@link Updated} to {@link Epoch}. A part of an epoch gives no event.
 * @throws {RangeError} when an option is out of range.
 * @throws {ShapeError} on the error channel, at the first step, when samples of `validation` have
 * another shape than the model's inputs.
 *
 * @example
 * ```ts
 * import {
 *   arrays, backward, dense, epochs, forward, input, loss, meanSquaredError, miniBatches,
 *   sequential, sgd, update,
 * } from "@millrace/millrace";
 * import { lastValueFrom } from "rxjs";
 * import assert from "node:assert/strict";
 *
 * const data = arrays([[1], [2]], [[2], [4]]);
 * const model = sequential([input([1]), dense(1)]);
 * const training = miniBatches(data, { epochs: 3, device: "cpu", threads: 1 }).pipe(
 *   forward(model),
 *   loss(meanSquaredError()),
 *   backward(),
 *   update(sgd({ learningRate: 0.1 })),
 *   epochs({ validation: data }),
 * );
 * const { epoch, logs } = await lastValueFrom(training);
 * assert.equal(epoch, 3);
 * assert.deepEqual(Object.keys(logs), ["loss", "val_loss", "learning_rate"]);
 * ```
 */
export function epochs(options: EpochsOptions = {}): OperatorFunction<AnyUpdated, Epoch> {
  const { validationFrequency = 1, validationSteps = 1, validationBatchSize = 1 } = options;
  checkCount("validationFrequency of epochs", validationFrequency, 1);
  checkCount("validationSteps of epochs", validationSteps, 1);
  checkCount("validationBatchSize of epochs", validationBatchSize, 1);
  checkCount("sanitySteps of epochs", options.sanitySteps ?? 0);
  if (options.validation && !(sampleCount(options.validation) >= 1)) {
    throw new DataError(
      `Cannot validate as the data set must have at least one sample: received ` +
        `${sampleCount(options.validation)} (leave validation out, or split off more)`,
    );
  }
  return (source) =>
    new Observable<Epoch>((subscriber) => {
      const gatherers: Gatherer[] = [];
      const meet = perRun((run) => {
        run.validationSamples ??= options.validation && sampleCount(options.validation);
        const gatherer = new Gatherer(options, validationFrequency, subscriber);
        gatherers.push(gatherer);
        return gatherer;
      });
      withRunListener(meet, source, () => {
        subscriber.add(source.subscribe({
          next: (step) => {
            try {
              checkStage("epochs", "update", step);
              meet(step.frame.run).take(step);
            } catch (error) {
              subscriber.error(error);
            }
          },
          error: (error) => subscriber.error(error),
          complete: () => subscriber.complete(),
        }));
      });
      return () => gatherers.forEach((gatherer) => gatherer.dispose());
    });
}

class Gatherer {
  #validation: Validation | undefined;
  /** The validation before the first step; another one does not begin before its end. */
  #sanity: Promise<unknown> | undefined;
  #started = performance.now();
  #samples = 0;
  #checked = false;
  readonly #known = new KnownEvaluations();
  /** The step before; of branches that are merged each gives it. */
  #last: Frame | undefined;
  /** The epoch that has been gathered last. */
  #gathered: number | undefined;
  #warned = false;

  constructor(
    private readonly options: EpochsOptions,
    private readonly frequency: number,
    private readonly subscriber: Subscriber<Epoch>,
  ) {}

  take(step: AnyUpdated): void {
    const { frame, epoch } = step;
    if (frame === this.#last) return;
    // Stages below may still add to this one.
    if (this.#last) this.#known.note(this.#last.effects);
    this.#warnOfLostEpoch(epoch);
    this.#last = frame;
    if (step.stepInEpoch === 1) {
      this.#started = performance.now();
      this.#samples = 0;
    }
    this.#samples += step.samples;
    if (!this.#checked) this.#check(step);
    if (step.stepInEpoch !== step.stepsPerEpoch) return;
    checkPresent(frame);
    this.#gathered = epoch;
    step.hold(this.#finish(step));
  }

  /** Says once that an epoch has ended with a step that did not come. */
  #warnOfLostEpoch(epoch: number): void {
    const before = this.#last?.epoch ?? epoch;
    if (this.#warned || before === epoch || this.#gathered === before) return;
    this.#warned = true;
    console.error(
      `Warning: epochs has not seen the last step of epoch ${before}, so that it gives no epoch ` +
        `and no validation there: an operator above lets only some steps through. Put what is for ` +
        `these alone into a branch, and gather both: merge(steps, steps.pipe(filter(…), …)) of steps ` +
        `that go through share()`,
    );
  }

  dispose(): void {
    this.#validation?.dispose();
  }

  async #finish(step: AnyUpdated): Promise<void> {
    const { frame } = step;
    const { run } = frame;
    await frame.executed;
    await run.collector.collect();
    const trained = performance.now();
    const { sums } = run.collector;
    const logs = sums.logs();
    const tables = sums.tables();
    const directions = sums.directions();
    if (this.subscriber.closed) return;
    const validated = await this.#validate(step);
    Object.assign(logs, prefixed(validated?.logs()));
    Object.assign(tables, prefixed(validated?.tables()));
    Object.assign(directions, prefixed(validated?.directions()));
    Object.assign(logs, frame.learningRates);
    if (this.subscriber.closed) return;
    run.epochGiven = true;
    this.subscriber.next({
      epoch: step.epoch,
      step: step.step,
      logs,
      ...(Object.keys(tables).length > 0 && { tables }),
      directions,
      seconds: (performance.now() - this.#started) / 1000,
      samplesPerSecond: this.#samples / ((trained - this.#started) / 1000),
      run,
      hold: (promise) => frame.hold(promise),
    });
  }

  async #validate(step: AnyUpdated): Promise<RecordSums | undefined> {
    if (step.epoch % this.frequency !== 0) return;
    const limit = step.frame.run.rehearsal ?? this.options.validationSteps;
    try {
      await this.#sanity;
      if (this.subscriber.closed) return;
      return await this.#validationOf(step)?.measure(limit);
    } catch (error) {
      if (error instanceof ShapeError || error instanceof DataError) {
        error.message = `In validation: ${error.message}`;
      }
      throw error;
    }
  }

  /** Validates a few batches before the first step. */
  #check(step: AnyUpdated): void {
    this.#checked = true;
    const { sanitySteps = 0, validation } = this.options;
    // Before an epoch is lost.
    if (validation) {
      for (const { model } of evaluationsOf(step.frame.effects)) fits(model, validation);
    }
    if (sanitySteps === 0) return;
    const measured = this.#validationOf(step)?.measure(sanitySteps);
    if (!measured) return;
    this.#sanity = measured;
    const losses = evaluationsOf(step.frame.effects).map(({ name }) => name);
    const isLoss = (log: string) => losses.some((name) => log === name || log.endsWith(`_${name}`));
    step.hold(measured.then((sums) => {
      for (const [name, value] of Object.entries(sums.logs())) {
        if (!isLoss(name) || Number.isFinite(value)) continue;
        throw new NonFiniteError(
          `val_${name} is ${value} before the first step: look for NaN in the validation data`,
          0,
        );
      }
    }));
  }

  #validationOf({ frame }: AnyUpdated): Validation | undefined {
    const { validation, validationBatchSize } = this.options;
    if (!validation) return undefined;
    const evaluations = this.#known.after(frame.effects);
    this.#validation ??= new Validation(frame.run, validation, evaluations, validationBatchSize);
    this.#validation.follow(evaluations);
    return this.#validation;
  }
}

/** Refuses a validation set whose samples are of another shape than the model's inputs. */
function fits(model: AnyModel, { x }: AnyDataSet): void {
  for (const [name, inputShape] of entriesOf<Shape>(model.inputShape, Array.isArray)) {
    const inputs = name === null ? x : (x as Readonly<Record<string, Inputs>>)[name];
    // Names are compared when the model is applied.
    if (!inputs || !isStored(inputs)) continue;
    const shape = inputs.shape.slice(1);
    if (sameShape(shape, inputShape)) continue;
    throw new ShapeError(
      `Cannot validate as samples must have the shape of the model's ${
        name === null ? "input" : `input ${name}`
      }, ${formatShape(inputShape)}: received ${formatShape(shape)} in the validation data`,
    );
  }
}

/** The entries under the names of validation. */
function prefixed<Value>(entries: Record<string, Value> = {}): Record<string, Value> {
  return Object.fromEntries(
    Object.entries(entries).map(([name, value]) => [`val_${name}`, value]),
  );
}
