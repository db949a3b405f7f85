import type { MonoTypeOperatorFunction } from "../nn/rxjs_types.ts";
import type { Snapshot } from "./epoch.ts";
import { meetRun } from "./run_listeners.ts";

/** What a checkpoint can hold of an operator: what JSON holds, any number, and copies of weights. */
export type StateValue =
  | null
  | boolean
  | number
  | string
  | Snapshot
  | readonly StateValue[]
  | { readonly [name: string]: StateValue };

/** What has a state that a checkpoint holds, and a resumed run begins with. */
export interface KeptState {
  /** The state between two steps. */
  save(): StateValue;
  /**
   * Takes up a state of an earlier run; called before the first step.
   *
   * @param saved What `save` gave then; copies of weights are new ones, to be disposed of.
   */
  restore(saved: StateValue): void;
}

/**
 * Makes the state of an operator a part of checkpoints: a resumed run goes on with it.
 *
 * It stands beside the operator that has the state, one for each subscription. In a pipe with
 * several of one kind they are told apart by their order.
 *
 * @param kind What the state belongs to, as `earlyStopping`.
 * @param state Saves and restores it.
 * @returns An operator that passes everything on.
 *
 * @example A callback that counts epochs without a better loss, and may be resumed.
 * ```ts
 * import { type Epoch, keepState } from "@millrace/millrace";
 * import { defer, lastValueFrom, type Observable, of, tap } from "rxjs";
 * import assert from "node:assert/strict";
 *
 * let seen = { best: Infinity, wait: 0 };
 * const countWorse = (source: Observable<Epoch>) =>
 *   defer(() => {
 *     let state = { best: Infinity, wait: 0 };
 *     const kept = keepState<Epoch>("countWorse", {
 *       save: () => state,
 *       restore: (saved) => state = saved as typeof state,
 *     });
 *     return source.pipe(kept, tap(({ logs }) => {
 *       state = logs.loss < state.best ? { best: logs.loss, wait: 0 } : { ...state, wait: state.wait + 1 };
 *       seen = state;
 *     }));
 *   });
 *
 * const epochs = [0.5, 0.6].map((loss) => ({ logs: { loss } }) as unknown as Epoch);
 * await lastValueFrom(countWorse(of(...epochs)));
 * assert.deepEqual(seen, { best: 0.5, wait: 1 });
 * ```
 */
export function keepState<Event>(kind: string, state: KeptState): MonoTypeOperatorFunction<Event> {
  return meetRun((run) => void run.keep(kind, state));
}
