import { checkCount } from "../nn/check_count.ts";
import { type PrunedTrial, pruneWhen, type PruningOperator } from "./pruner.ts";
import { type Direction, isBetter, type TrialRecord } from "./trial.ts";

/** Options of {@link medianPruning}. */
export interface MedianPruningOptions {
  /** Trials that must be complete before any is pruned, from 0; default 5. */
  readonly startupTrials?: number;
  /** Epochs at the start of each trial that are not judged, from 0; default 0. */
  readonly warmupEpochs?: number;
  /** Epochs from one judgement to the next, from 1; default 1. */
  readonly interval?: number;
}

/**
 * Prunes a trial whose best number so far is worse than the median of the complete trials' numbers at
 * the same epoch.
 *
 * A trial that has had nothing but NaN is pruned; NaN of other trials is left out of the median. No
 * trial is pruned before one is complete.
 *
 * @param options From when on, and how often.
 * @returns The pruner: for a trial, an operator on its epochs.
 * @throws {RangeError} when an option is out of range.
 *
 * @example
 * ```ts
 * import { type EpochRecord, medianPruning } from "@millrace/millrace";
 * import { from, lastValueFrom } from "rxjs";
 * import assert from "node:assert/strict";
 *
 * const epochs = (...values: number[]): EpochRecord[] =>
 *   values.map((loss, index) => ({ epoch: index + 1, value: loss, logs: { loss } }));
 * const past = [0.9, 0.7, 0.5].map((value, index) => (
 *   { number: index + 1, state: "complete", parameters: {}, epochs: epochs(1, value), value } as const
 * ));
 * const prune = medianPruning({ startupTrials: 3 })({
 *   number: 4, seed: 0, monitor: "loss", direction: "min", trials: () => past,
 * });
 * const last = await lastValueFrom(from(epochs(1, 0.8, 0.1)).pipe(prune));
 * assert.equal(last.epoch, 2);
 * ```
 *
 * Source: D. Golovin and others, "Google Vizier", 2017, section 3.2.2. Optuna: `MedianPruner`, whose
 * steps count from 0; Vizier compares with means over all epochs so far.
 */
export function medianPruning(
  options: MedianPruningOptions = {},
): (trial: PrunedTrial) => PruningOperator {
  const startup = checkCount("startupTrials of medianPruning", options.startupTrials ?? 5);
  const warmup = checkCount("warmupEpochs of medianPruning", options.warmupEpochs ?? 0);
  const interval = checkCount("the interval of medianPruning", options.interval ?? 1, 1);
  return (trial) =>
    pruneWhen("medianPruning", trial, ({ epoch, previous, best }) => {
      const complete = trial.trials().filter(({ state }) => state === "complete");
      if (complete.length === 0 || complete.length < startup || epoch <= warmup) return false;
      // The first epoch of each interval, also when some epochs have no such log.
      const begin = Math.floor((epoch - 1 - warmup) / interval) * interval + warmup + 1;
      if (previous >= begin) return false;
      if (best === undefined) return true;
      const median = medianAt(epoch, complete);
      return median !== undefined && isWorse(best, median, trial.direction);
    });
}

function isWorse(value: number, other: number, direction: Direction): boolean {
  return isBetter(other, value, direction);
}

function medianAt(epoch: number, trials: readonly TrialRecord[]): number | undefined {
  const values = trials.flatMap(({ epochs }) =>
    epochs.filter((record) => record.epoch === epoch && !Number.isNaN(record.value))
      .map(({ value }) => value)
  ).sort((a, b) => a - b);
  if (values.length === 0) return undefined;
  const middle = values.length >> 1;
  return values.length % 2 ? values[middle] : (values[middle - 1] + values[middle]) / 2;
}
