import { defer, finalize, takeWhile, tap } from "rxjs";
import type { MonoTypeOperatorFunction } from "../../nn/rxjs_types.ts";
import { checkCount } from "../../nn/check_count.ts";
import { checkScalar } from "../../nn/check_scalar.ts";
import type { Epoch, Snapshot } from "../epoch.ts";
import type { KeptState, StateValue } from "../kept_state.ts";
import type { Run } from "../run.ts";
import { meetRun, perRun } from "../run_listeners.ts";
import { checkEpoch } from "../stage_order.ts";
import { lateEpochs } from "./late_epoch.ts";
import { checkMode, Monitor, type MonitorMode } from "./monitor.ts";

/** Options of {@link earlyStopping}. */
export interface EarlyStoppingOptions {
  /** Name of the log to watch; default `"val_loss"`. */
  readonly monitor?: string;
  /** Least change that counts as an improvement, in the log's unit; default 0. */
  readonly minDelta?: number;
  /** Epochs without improvement after which training stops, from 0; default 0. */
  readonly patience?: number;
  /** Where better is; default `"auto"`. */
  readonly mode?: MonitorMode;
  /** Only an improvement on this too starts the patience anew; default none. */
  readonly baseline?: number;
  /** Whether the weights of the best epoch are put back at the end; default false. */
  readonly restoreBest?: boolean;
  /** Epochs at the start that are not watched, from 0; default 0. */
  readonly startFromEpoch?: number;
  /** Training stops at once when the log is better than this; default none. */
  readonly stoppingThreshold?: number;
  /** Training stops at once when the log is worse than this; default none. */
  readonly divergenceThreshold?: number;
  /** Whether training stops at once when the log is NaN or infinite; default false. */
  readonly checkFinite?: boolean;
  /** Whether an epoch without the log is an error and no warning; default false. */
  readonly strict?: boolean;
}

/**
 * Stops training when a log has stopped improving.
 *
 * The epoch that exhausts the patience is passed on; then the stream completes and the run's reason
 * is `early_stopping`, with an explanation that `jsonLines` writes at the end. The first epoch
 * never exhausts the patience; a threshold or `checkFinite` may end training with any epoch. A run
 * that is resumed after its end makes no further step, unless it is given more patience. Of runs one
 * behind the other (`concat`) each is watched from its beginning, as in Keras, and with `restoreBest`
 * the best weights of the last one come back. What reads a `Parameter.value` itself behind an end before
 * the time waits for {@link settled}, as `predict` and `saveWeights` do by themselves.
 *
 * @param options What to watch, and for how long.
 * @returns An operator on epochs.
 * @throws {RangeError} when an option is out of range; on the error channel when an epoch lacks the
 * log and `strict` is set, or when neither a metric nor the log's name tells its direction.
 *
 * @example
 * ```ts
 * import { earlyStopping, type Epoch } from "@millrace/millrace";
 * import { from, lastValueFrom } from "rxjs";
 * import assert from "node:assert/strict";
 *
 * const run = { keep: (kind: string) => kind };
 * const epochs = [0.5, 0.4, 0.45, 0.41, 0.3].map((val_loss, index) => (
 *   { epoch: index + 1, logs: { val_loss }, run }
 * )) as unknown as Epoch[];
 * const last = await lastValueFrom(from(epochs).pipe(earlyStopping({ patience: 2 })));
 * assert.equal(last.epoch, 4);
 * assert.equal(last.run.reason, "early_stopping");
 * ```
 *
 * Source: Keras 3, `EarlyStopping`; `stoppingThreshold`, `divergenceThreshold`, `checkFinite` (true
 * there) and `strict` (true there) are Lightning's. Keras's rules: an improvement is strict and beyond
 * `|minDelta|`; with `restoreBest` the best weights come back also when training ends normally.
 * Keras calls it `restore_best_weights`. Here an unknown `mode` is an error, and the best weights
 * are not put back when the run is interrupted, so that a checkpoint keeps where it stood, nor when
 * the stream is unsubscribed or fails.
 */
export function earlyStopping<E extends Epoch>(
  options: EarlyStoppingOptions = {},
): MonoTypeOperatorFunction<E> {
  const rule = checkOptions(options);
  return (source) =>
    defer(() => {
      const all: Patience[] = [];
      const meet = perRun((run) => {
        // Copies of a run that is over are of no use any more.
        for (const before of all) if (before.run.closed) before.dispose();
        const patience = new Patience(rule, run);
        all.push(patience);
        return patience;
      });
      return source.pipe(
        meetRun<E>(meet),
        takeWhile((epoch) => {
          checkEpoch("earlyStopping", epoch);
          return !meet(epoch.run as Run).stops(epoch);
        }, true),
        // Before the end is passed on: the run is torn down after that.
        tap({ complete: () => all.at(-1)?.restoreBest() }),
        finalize(() => all.forEach((patience) => patience.dispose())),
      );
    });
}

interface Rule extends Required<Omit<EarlyStoppingOptions, Threshold>> {
  readonly thresholds: { readonly [name in Threshold]: number | undefined };
}

type Threshold = "baseline" | "stoppingThreshold" | "divergenceThreshold";

function checkOptions(options: EarlyStoppingOptions): Rule {
  const { monitor = "val_loss", mode = "auto", restoreBest = false } = options;
  const { baseline, stoppingThreshold, divergenceThreshold } = options;
  const thresholds = { baseline, stoppingThreshold, divergenceThreshold };
  checkMode("earlyStopping", mode);
  for (const [name, value] of Object.entries(thresholds)) {
    if (value !== undefined) checkScalar(`the ${name} of earlyStopping`, value);
  }
  return {
    monitor,
    mode,
    thresholds,
    restoreBest,
    minDelta: checkScalar("minDelta of earlyStopping", options.minDelta ?? 0),
    patience: checkCount("the patience of earlyStopping", options.patience ?? 0),
    startFromEpoch: checkCount("startFromEpoch of earlyStopping", options.startFromEpoch ?? 0),
    checkFinite: options.checkFinite ?? false,
    strict: options.strict ?? false,
  };
}

type PatienceState = {
  /** Where better is, once it is known. */
  readonly direction: "min" | "max" | null;
  /** The best value so far. */
  readonly best: number | null;
  /** Epochs since then. */
  readonly wait: number;
  /** Weights of the best epoch. */
  readonly kept: Snapshot | null;
  /** The epoch that has just been watched, if any: its number, its value, and whether it was better. */
  readonly last:
    | { readonly epoch: number; readonly value: number; readonly improved: boolean }
    | null;
};

/** What one subscription knows of a run. */
class Patience implements KeptState {
  readonly #monitor: Monitor;
  readonly #tellOfLate = lateEpochs("earlyStopping");
  #state: PatienceState;

  /** Meets the run; one that had been stopped when it was saved is stopped again. */
  constructor(private readonly rule: Rule, readonly run: Run) {
    this.#monitor = new Monitor("earlyStopping", rule.monitor, rule.mode);
    this.#state = { direction: null, best: null, wait: 0, kept: null, last: null };
    run.keep("earlyStopping", this);
    this.#end();
  }

  save(): StateValue {
    return this.#state;
  }

  restore(saved: StateValue): void {
    this.#state = saved as PatienceState;
    this.#monitor.direction = this.#state.direction;
  }

  /** Takes note of an epoch; true when it is to be the last. */
  stops(epoch: Epoch): boolean {
    const current = this.#monitor.read(
      epoch,
      "it does nothing after such an epoch",
      this.rule.strict,
    );
    // Keras counts epochs from 0.
    if (current === undefined || epoch.epoch - 1 < this.rule.startFromEpoch) return false;
    this.#watch(epoch, current);
    return this.#end();
  }

  /** Tells the run to end if it is to; true then. */
  #end(): boolean {
    const { run } = this;
    const { last } = this.#state;
    if (!last) return false;
    const why = this.#outOfBounds(last.value) ?? this.#outOfPatience();
    if (why === undefined) return false;
    run.reason ??= "early_stopping";
    run.explanation ??= `${this.rule.monitor} ${why} at epoch ${last.epoch}`;
    return true;
  }

  restoreBest(): void {
    const { kept } = this.#state;
    if (kept && this.run.reason !== "interrupted") this.run.restore(kept);
  }

  dispose(): void {
    this.#state.kept?.dispose();
    this.#state = { ...this.#state, kept: null };
  }

  #watch(event: Epoch, current: number): void {
    const { epoch } = event;
    const { thresholds: { baseline }, minDelta, restoreBest } = this.rule;
    const { best, wait, kept } = this.#state;
    const improved = this.#monitor.improves(current, best, minDelta);
    // The first epoch watched is kept whatever it is: NaN is no improvement, yet better than nothing.
    if (restoreBest && (improved || !kept)) {
      this.#tellOfLate(event);
      const snapshot = this.run.snapshot();
      this.dispose();
      this.#state = { ...this.#state, kept: snapshot };
    }
    const anew = improved &&
      (baseline === undefined || this.#monitor.improves(current, baseline, minDelta));
    this.#state = {
      ...this.#state,
      direction: this.#monitor.direction,
      best: improved ? current : best,
      wait: anew ? 0 : wait + 1,
      last: { epoch, value: current, improved },
    };
  }

  #outOfPatience(): string | undefined {
    const { best, wait, last } = this.#state;
    if (last!.improved || wait < this.rule.patience || last!.epoch === 1) return undefined;
    return `has not improved on ${best} for ${wait === 1 ? "1 epoch" : `${wait} epochs`}`;
  }

  #outOfBounds(current: number): string | undefined {
    const { thresholds: { stoppingThreshold, divergenceThreshold }, checkFinite } = this.rule;
    if (checkFinite && !Number.isFinite(current)) return `is ${current}`;
    if (stoppingThreshold !== undefined && this.#monitor.improves(current, stoppingThreshold)) {
      return `is ${current}, better than the stoppingThreshold ${stoppingThreshold},`;
    }
    if (
      divergenceThreshold !== undefined && this.#monitor.improves(divergenceThreshold, current)
    ) {
      return `is ${current}, worse than the divergenceThreshold ${divergenceThreshold},`;
    }
    return undefined;
  }
}
