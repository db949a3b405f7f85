import { defer, map } from "rxjs";
import type { MonoTypeOperatorFunction } from "../../nn/rxjs_types.ts";
import type { Epoch } from "../epoch.ts";
import { checkEpoch } from "../stage_order.ts";
import { keepState } from "../kept_state.ts";

/**
 * Adds times and speeds to the logs, for the operators below it.
 *
 * `seconds` that the epoch took, validation included; `total_seconds` of all epochs so far, those
 * before a resume too; `samples_per_second` of training, validation not counted.
 *
 * @returns An operator on epochs.
 *
 * @example
 * ```ts
 * import { type Epoch, throughput } from "@millrace/millrace";
 * import { lastValueFrom, of } from "rxjs";
 * import assert from "node:assert/strict";
 *
 * const epoch = { epoch: 1, step: 10, logs: {}, seconds: 2, samplesPerSecond: 160 };
 * const { logs } = await lastValueFrom(of(epoch as unknown as Epoch).pipe(throughput()));
 * assert.deepEqual(logs, { seconds: 2, total_seconds: 2, samples_per_second: 160 });
 * ```
 *
 * Source: Lightning, `ThroughputMonitor` and `Timer`. Keras shows the time of a step in its
 * progress bar alone.
 */
export function throughput<E extends Epoch>(): MonoTypeOperatorFunction<E> {
  return (source) =>
    defer(() => {
      let state = { seconds: 0 };
      return source.pipe(
        keepState<E>("throughput", {
          save: () => state,
          restore: (saved) => state = saved as typeof state,
        }),
        map((epoch) => {
          checkEpoch("throughput", epoch);
          state = { seconds: state.seconds + epoch.seconds };
          return {
            ...epoch,
            logs: {
              ...epoch.logs,
              seconds: epoch.seconds,
              total_seconds: state.seconds,
              samples_per_second: epoch.samplesPerSecond,
            },
          };
        }),
      );
    });
}
