import { defer, type Observable, reduce } from "rxjs";
import type { OperatorFunction } from "../../nn/rxjs_types.ts";
import type { Epoch } from "../epoch.ts";
import { checkEpoch } from "../stage_order.ts";
import { keepState } from "../kept_state.ts";

/** The logs of a run, as Keras's `fit` returns them. */
export interface History {
  /** Numbers of the epochs, from 1. */
  readonly epoch: number[];
  /** The values of each log, in the order of the epochs that had it. */
  readonly history: Record<string, number[]>;
}

/**
 * Gathers the logs of all epochs into one record at the end.
 *
 * @returns An operator that gives one {@link History} when the epochs complete, an empty one if
 * there were none. That of a resumed run holds the epochs before too.
 *
 * @example
 * ```ts
 * import { type Epoch, history } from "@millrace/millrace";
 * import { from, lastValueFrom } from "rxjs";
 * import assert from "node:assert/strict";
 *
 * const epochs = [{ epoch: 1, logs: { loss: 0.5 } }, { epoch: 2, logs: { loss: 0.4 } }];
 * const gathered = from(epochs as unknown as Epoch[]).pipe(history());
 * assert.deepEqual(await lastValueFrom(gathered), {
 *   epoch: [1, 2],
 *   history: { loss: [0.5, 0.4] },
 * });
 * ```
 *
 * Source: Keras 3, `History`, whose epochs count from 0.
 */
export function history(): OperatorFunction<Epoch, History> {
  return (source): Observable<History> =>
    // Deferred, as reduce would share one seed among subscribers.
    defer(() => {
      const gathered: History = { epoch: [], history: {} };
      const kept = keepState<Epoch>("history", {
        save: () => ({ ...gathered }),
        restore: (saved) => {
          const before = saved as unknown as History;
          gathered.epoch.push(...before.epoch);
          Object.assign(gathered.history, before.history);
        },
      });
      return source.pipe(kept, reduce(add, gathered));
    });
}

function add(gathered: History, event: Epoch): History {
  checkEpoch("history", event);
  const { epoch, logs } = event;
  gathered.epoch.push(epoch);
  for (const [name, value] of Object.entries(logs)) {
    if (Object.hasOwn(gathered.history, name)) gathered.history[name].push(value);
    else gathered.history[name] = [value];
  }
  return gathered;
}
