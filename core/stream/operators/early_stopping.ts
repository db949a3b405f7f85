import { defer, finalize, takeWhile, tap } from "rxjs";
import type { MonoTypeOperatorFunction } from "../../nn/rxjs_types.ts";
import { checkCount } from "../../nn/check_count.ts";
import { checkScalar } from "../../nn/check_scalar.ts";
import type { Epoch, RunControl, Snapshot } from "../epoch.ts";
import { Monitor, monitorDirection, type MonitorMode } from "./monitor.ts";

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
}

/**
 * Stops training when a log has stopped improving.
 *
 * The epoch that exhausts the patience is passed on; then the stream completes and the run's reason
 * is `early_stopping`. The first epoch never stops training.
 *
 * @param options What to watch, and for how long.
 * @returns An operator on epochs.
 * @throws {RangeError} when an option is out of range, or the monitor's name does not tell its
 * direction.
 *
 * @example
 * ```ts
 * import { earlyStopping, type Epoch } from "@millrace/millrace";
 * import { from, lastValueFrom } from "rxjs";
 * import assert from "node:assert/strict";
 *
 * const epochs = [0.5, 0.4, 0.45, 0.41, 0.3].map((val_loss, index) => (
 *   { epoch: index + 1, logs: { val_loss }, run: {} }
 * )) as unknown as Epoch[];
 * const last = await lastValueFrom(from(epochs).pipe(earlyStopping({ patience: 2 })));
 * assert.equal(last.epoch, 4);
 * assert.equal(last.run.reason, "early_stopping");
 * ```
 *
 * Source: Keras 3, `EarlyStopping`, and its rules: an improvement is strict and beyond
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
      const state = new Patience(rule);
      return source.pipe(
        takeWhile((epoch) => !state.stops(epoch), true),
        // Before the end is passed on: the run is torn down after that.
        tap({ complete: () => state.restore() }),
        finalize(() => state.dispose()),
      );
    });
}

interface Rule extends Required<Omit<EarlyStoppingOptions, "baseline" | "mode">> {
  readonly baseline: number | undefined;
  readonly direction: "min" | "max";
}

function checkOptions(options: EarlyStoppingOptions): Rule {
  const { monitor = "val_loss", mode = "auto", baseline, restoreBest = false } = options;
  if (baseline !== undefined) checkScalar("the baseline of earlyStopping", baseline);
  return {
    monitor,
    direction: monitorDirection("earlyStopping", monitor, mode),
    baseline,
    restoreBest,
    minDelta: checkScalar("minDelta of earlyStopping", options.minDelta ?? 0),
    patience: checkCount("the patience of earlyStopping", options.patience ?? 0),
    startFromEpoch: checkCount("startFromEpoch of earlyStopping", options.startFromEpoch ?? 0),
  };
}

/** The state of one subscription. */
class Patience {
  readonly #monitor: Monitor;
  #best: number;
  #wait = 0;
  #kept: { readonly run: RunControl; readonly snapshot: Snapshot } | undefined;

  constructor(private readonly rule: Rule) {
    this.#monitor = new Monitor("earlyStopping", rule.monitor, rule.direction);
    this.#best = this.#monitor.worst;
  }

  /** Takes note of an epoch; true when it is to be the last. */
  stops(epoch: Epoch): boolean {
    const { baseline, minDelta, patience, startFromEpoch } = this.rule;
    const current = this.#monitor.read(epoch, "it has no effect");
    // Keras counts epochs from 0.
    const index = epoch.epoch - 1;
    if (current === undefined || index < startFromEpoch) return false;
    const improved = this.#monitor.improves(current, this.#best, minDelta);
    // The first epoch watched is kept whatever it is: NaN is no improvement, yet better than nothing.
    if (improved || !this.#kept) this.#keep(epoch.run);
    this.#wait++;
    if (improved) {
      this.#best = current;
      if (baseline === undefined || this.#monitor.improves(current, baseline, minDelta)) {
        this.#wait = 0;
      }
      return false;
    }
    if (this.#wait < patience || index === 0) return false;
    epoch.run.reason ??= "early_stopping";
    return true;
  }

  restore(): void {
    if (this.#kept && this.#kept.run.reason !== "interrupted") {
      this.#kept.run.restore(this.#kept.snapshot);
    }
  }

  dispose(): void {
    this.#kept?.snapshot.dispose();
    this.#kept = undefined;
  }

  #keep(run: RunControl): void {
    if (!this.rule.restoreBest) return;
    const snapshot = run.snapshot();
    this.dispose();
    this.#kept = { run, snapshot };
  }
}
