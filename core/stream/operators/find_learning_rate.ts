import { Observable, type Subscriber } from "rxjs";
import type { OperatorFunction } from "../../nn/rxjs_types.ts";
import { checkCount } from "../../nn/check_count.ts";
import { checkScalar } from "../../nn/check_scalar.ts";
import { checkHyperparameter, type Hyperparameter } from "../../nn/hyperparameter.ts";
import { NonFiniteError } from "../../graph/errors.ts";
import type { RunControl, Snapshot } from "../epoch.ts";
import { checkPresent } from "../frame.ts";
import { checkStage } from "../stage_order.ts";
import type { AnyUpdated } from "../stages.ts";
import { unusedWarning } from "../unused_warning.ts";
import { follow } from "./follow.ts";

/** Options of {@link findLearningRate}. */
export interface FindLearningRateOptions {
  /** First rate, above 0; default 1e-8. */
  readonly from?: number;
  /** Last rate, above `from`; default 1. */
  readonly to?: number;
  /** Steps, from 3; default 100. */
  readonly steps?: number;
  /** Whether rates lie evenly by their ratio or by their difference; default `"exponential"`. */
  readonly spacing?: "exponential" | "linear";
  /** Ends when the smoothed loss is so many times the best, above 1, or `null` for never; default 4. */
  readonly stopFactor?: number | null;
  /** Share of the old in the smoothed loss, from 0 to below 1; default 0.98. */
  readonly smoothing?: number;
}

/** One step of a search for a learning rate. */
export interface LearningRateTrial {
  /** The step, from 1. */
  readonly step: number;
  /** The rate that it used. */
  readonly learningRate: number;
  /** The loss of its batch, before its update. */
  readonly loss: number;
  /** The losses so far, smoothed. */
  readonly smoothedLoss: number;
  /** The rate where the loss falls most steeply so far; `undefined` while there are too few. */
  readonly suggestion: number | undefined;
}

/** Trials at the beginning, and at the end, that suggest nothing: the loss is not settled there. */
const skipped = { begin: 10, end: 1 };

/**
 * Looks for a learning rate: trains with rates from tiny to large, and watches the loss; of several
 * in one pipe the last one above it.
 *
 * Rate i of n is from·(to / from)^(i / n). The losses are smoothed as in Adam: m ← β·m + (1 − β)·loss,
 * divided by 1 − βⁱ. It ends when the smoothed loss is four times the best, or NaN, or after n steps.
 * Then the weights are put back as they were, and the rate too. The last trial's suggestion is the
 * rate at the steepest fall; the trials are the curve, to look at or to judge otherwise.
 *
 * @param learningRate The rate, which the optimizer was given.
 * @param options Rates, steps, when to end.
 * @returns An operator from steps to {@link LearningRateTrial}. Give the source enough epochs
 * (`Infinity` will do): it is left when the search ends.
 * @throws {RangeError} when an option is out of range.
 *
 * @example
 * ```ts
 * import {
 *   arrays, backward, dense, findLearningRate, forward, hyperparameter, input, loss,
 *   meanSquaredError, miniBatches, sequential, sgd, update,
 * } from "@millrace/millrace";
 * import { lastValueFrom } from "rxjs";
 * import assert from "node:assert/strict";
 *
 * const model = sequential([input([1]), dense(1, { kernelInitializer: "zeros" })]);
 * const learningRate = hyperparameter(0.01);
 * const data = arrays([[1], [2]], [[2], [4]]);
 * const search = miniBatches(data, { epochs: Infinity, device: "cpu", threads: 1 }).pipe(
 *   forward(model),
 *   loss(meanSquaredError()),
 *   backward(),
 *   update(sgd({ learningRate })),
 *   findLearningRate(learningRate, { from: 1e-4 }),
 * );
 * const { suggestion } = await lastValueFrom(search);
 * assert.ok(suggestion! > 1e-3 && suggestion! < 1);
 * assert.deepEqual([...model.parameters[0].value], [0]);
 * ```
 *
 * Source: Smith, "Cyclical learning rates for training neural networks", 2017; Lightning,
 * `LearningRateFinder(min_lr=1e-8, max_lr=1, num_training_steps=100, mode="exponential",
 * early_stop_threshold=4)`, whose smoothing and suggestion these are. Keras has no such callback.
 */
export function findLearningRate<Step extends AnyUpdated>(
  learningRate: Hyperparameter,
  options: FindLearningRateOptions = {},
): OperatorFunction<Step, LearningRateTrial> {
  checkHyperparameter("the rate of findLearningRate", learningRate);
  const settings = checkOptions(options);
  return (source) =>
    new Observable<LearningRateTrial>((subscriber) => {
      const search = new Search(learningRate, settings, subscriber);
      // Before what is above is torn down: the weights are still there.
      subscriber.add(() => search.restore());
      const steps = new Observable<Step>((inner) => {
        follow(source, inner, {
          run: (run) => search.begin(run),
          next: (step) => {
            checkStage("findLearningRate", "update", step);
            checkPresent(step.frame);
            search.take(step);
          },
          error: (error) => search.fail(error),
          complete: () => search.end(),
        });
      });
      subscriber.add(steps.subscribe({ error: (error) => subscriber.error(error) }));
      return () => search.dispose();
    });
}

type Settings = Required<FindLearningRateOptions>;

function checkOptions(options: FindLearningRateOptions): Settings {
  const { from = 1e-8, to = 1, steps = 100, spacing = "exponential" } = options;
  const { stopFactor = 4, smoothing = 0.98 } = options;
  checkScalar("from of findLearningRate", from, { minimum: Number.MIN_VALUE });
  checkScalar("to of findLearningRate", to, { minimum: Number.MIN_VALUE });
  const refuse = (name: string, rule: string, received: unknown) => {
    throw new RangeError(
      `Cannot use findLearningRate as ${name} must be ${rule}: received ${received}`,
    );
  };
  if (to <= from) refuse("to", `above from, which is ${from}`, to);
  checkCount("steps of findLearningRate", steps, 3);
  if (spacing !== "exponential" && spacing !== "linear") {
    refuse("spacing", '"exponential" or "linear"', JSON.stringify(spacing));
  }
  if (stopFactor !== null && !(stopFactor > 1)) {
    refuse("stopFactor", "above 1, or null", stopFactor);
  }
  if (!(smoothing >= 0 && smoothing < 1)) refuse("smoothing", "from 0 to below 1", smoothing);
  return { from, to, steps, spacing, stopFactor, smoothing };
}

/** Log name of the loss that the step's gradients are of: the last one above. */
function lossOf({ frame }: AnyUpdated): string {
  return frame.effects.findLast(({ evaluation }) => evaluation)?.evaluation?.name ?? "loss";
}

/** The state of one subscription. */
class Search {
  readonly #before: number;
  readonly #rates: number[] = [];
  readonly #smoothed: number[] = [];
  #mean = 0;
  #sent = 0;
  #kept: { readonly run: RunControl; readonly snapshot: Snapshot } | undefined;
  readonly #warn: (step: AnyUpdated) => void;

  constructor(
    private readonly learningRate: Hyperparameter,
    private readonly settings: Settings,
    private readonly subscriber: Subscriber<LearningRateTrial>,
  ) {
    this.#before = learningRate.value;
    this.#warn = unusedWarning("findLearningRate", learningRate);
  }

  /** What has been tried so far is in no file. */
  begin(run: RunControl): void {
    if (run.describe().resumed === undefined) return;
    this.subscriber.error(
      new RangeError(
        "Cannot use findLearningRate in a run that is resumed as each search begins anew: leave " +
          "out resume (and begin with the weights of a file by loadWeights)",
      ),
    );
  }

  take(step: AnyUpdated): void {
    const { from, to, steps, spacing } = this.settings;
    if (this.#sent === steps) return;
    this.#warn(step);
    // The step has not run yet: these are the weights to come back to.
    this.#kept ??= { run: step.run, snapshot: step.run.snapshot() };
    this.#sent++;
    const part = this.#sent / steps;
    const rate = spacing === "linear" ? from + (to - from) * part : from * (to / from) ** part;
    this.learningRate.next(rate);
    const name = lossOf(step);
    const read = step.values().then((values) =>
      this.#judge(this.#rates.length + 1, rate, values[name])
    );
    // The end of the run leaves values behind that nobody asks for any more.
    read.catch(() => {});
    step.hold(read.catch(() => {}));
  }

  /** The run may say so first. */
  fail(error: unknown): void {
    if (error instanceof NonFiniteError && this.#rates.length > 0) this.end();
    else this.subscriber.error(error);
  }

  end(): void {
    this.subscriber.complete();
  }

  /** Puts the weights and the rate back. */
  restore(): void {
    this.learningRate.next(this.#before);
    if (this.#kept) this.#kept.run.restore(this.#kept.snapshot);
  }

  dispose(): void {
    this.#kept?.snapshot.dispose();
  }

  #judge(step: number, learningRate: number, loss: number): void {
    // What large rates lead to.
    if (!Number.isFinite(loss)) return this.end();
    const { smoothing, stopFactor, steps } = this.settings;
    this.#mean = smoothing * this.#mean + (1 - smoothing) * loss;
    const smoothedLoss = this.#mean / (1 - smoothing ** step);
    const best = Math.min(...this.#smoothed, smoothedLoss);
    this.#rates.push(learningRate);
    this.#smoothed.push(smoothedLoss);
    this.subscriber.next({ step, learningRate, loss, smoothedLoss, suggestion: this.#suggest() });
    const diverged = step > 1 && stopFactor !== null && smoothedLoss > stopFactor * best;
    if (diverged || step === steps) this.end();
  }

  /** The rate of the smallest central difference of the smoothed losses. */
  #suggest(): number | undefined {
    const { begin, end } = skipped;
    const losses = this.#smoothed.slice(begin, this.#smoothed.length - end);
    if (losses.length < 2) return undefined;
    const slopes = losses.map((_, at) => {
      const [left, right] = [Math.max(0, at - 1), Math.min(losses.length - 1, at + 1)];
      return (losses[right] - losses[left]) / (right - left);
    });
    return this.#rates[begin + slopes.indexOf(Math.min(...slopes))];
  }
}
