import { defer, takeWhile } from "rxjs";
import type { MonoTypeOperatorFunction, Observable } from "../nn/rxjs_types.ts";
import { Monitor } from "../stream/operators/monitor.ts";
import { bestOf, type Direction, type TrialEpoch, type TrialRecord } from "./trial.ts";

/** The trial whose epochs a pruner judges, and the study that it belongs to. */
export interface PrunedTrial {
  /** Number of the trial, from 1. */
  readonly number: number;
  /** The study's seed. */
  readonly seed: number;
  /** Name of the log that is judged. */
  readonly monitor: string;
  /** Where better is. */
  readonly direction: Direction;
  /** All trials of the study as they are now, those that run among them. */
  readonly trials: () => readonly TrialRecord[];
}

/** An operator on epochs of any kind, those of `fit` and of a search. */
export type PruningOperator = <E extends TrialEpoch>(source: Observable<E>) => Observable<E>;

/**
 * Gives the operator that a trial's epochs go through. A trial whose epochs it completes before they
 * end by themselves is pruned, so that RxJS's own operators are pruners too:
 * `() => takeWhile(({ logs }) => logs.val_loss < 5)`.
 */
export type Pruner = (trial: PrunedTrial) => MonoTypeOperatorFunction<TrialEpoch>;

/** A trial after its latest epoch. */
export interface Standing {
  /** Number of the epoch, from 1. */
  readonly epoch: number;
  /** Number of the epoch before it that had the log, 0 if there was none. */
  readonly previous: number;
  /** The monitored number of this epoch. */
  readonly value: number;
  /** The best one so far; `undefined` when all were NaN. */
  readonly best: number | undefined;
}

/**
 * The operator that lets a trial's epochs pass, up to the one at which `isHopeless`. The run's reason
 * is then `early_stopping`.
 *
 * @param name The pruner, for messages.
 * @param trial The trial and its study.
 * @param isHopeless Judges each epoch that has the log.
 */
export function pruneWhen(
  name: string,
  trial: PrunedTrial,
  isHopeless: (standing: Standing) => boolean,
): PruningOperator {
  return (source) =>
    defer(() => {
      const monitor = new Monitor(name, trial.monitor, trial.direction);
      let previous = 0;
      let best: number | undefined;
      return source.pipe(takeWhile((event) => {
        const value = monitor.read(event, "it is not judged");
        if (value === undefined) return true;
        const { epoch } = event;
        best = bestOf(best === undefined ? [value] : [best, value], trial.direction);
        const hopeless = isHopeless({ epoch, previous, value, best });
        previous = epoch;
        if (hopeless && event.run) event.run.reason ??= "early_stopping";
        return !hopeless;
      }, true));
    });
}
