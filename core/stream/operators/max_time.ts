import { Observable } from "rxjs";
import type { MonoTypeOperatorFunction } from "../../nn/rxjs_types.ts";
import { checkScalar } from "../../nn/check_scalar.ts";
import type { Epoch, RunControl } from "../epoch.ts";
import { follow } from "./follow.ts";

/** Options of {@link maxTime}; they add up. */
export interface MaxTimeOptions {
  /** Seconds, from 0. */
  readonly seconds?: number;
  /** Minutes, from 0. */
  readonly minutes?: number;
  /** Hours, from 0. */
  readonly hours?: number;
}

/**
 * Ends training when it has taken so long.
 *
 * Among steps it ends with the first step after that time, among epochs with the first epoch; the
 * event is passed on, then the stream completes, and the run's reason is `early_stopping`. The time
 * begins with the run, and that of a resumed run is added to what went before.
 *
 * @param options How long.
 * @returns An operator on steps or epochs.
 * @throws {RangeError} when there is no time, or a negative one.
 *
 * @example
 * ```ts
 * import { type Epoch, maxTime } from "@millrace/millrace";
 * import { lastValueFrom, of } from "rxjs";
 * import assert from "node:assert/strict";
 *
 * const run = { keep: (kind: string) => kind };
 * const epochs = of({ epoch: 1, run }, { epoch: 2, run }) as never;
 * const last = await lastValueFrom(maxTime<Epoch>({ minutes: 1 })(epochs));
 * assert.equal(last.epoch, 2);
 * ```
 *
 * Source: Lightning, `Trainer(max_time)` and `Timer(duration, interval="step")`. Keras has no such
 * callback.
 */
export function maxTime<Event extends { readonly run: RunControl } = Epoch>(
  options: MaxTimeOptions,
): MonoTypeOperatorFunction<Event> {
  const { seconds = 0, minutes = 0, hours = 0 } = options ?? {};
  for (const [name, value] of Object.entries({ seconds, minutes, hours })) {
    checkScalar(`${name} of maxTime`, value, { minimum: 0 });
  }
  const limit = seconds + 60 * minutes + 3600 * hours;
  if (limit === 0) {
    throw new RangeError(
      "Cannot use maxTime as seconds, minutes or hours must be above 0: received none",
    );
  }
  return (source) =>
    new Observable<Event>((subscriber) => {
      let before = 0;
      let started = performance.now();
      const elapsed = () => before + (performance.now() - started) / 1000;
      const end = (run: RunControl) => {
        run.reason ??= "early_stopping";
        run.explanation ??= `training has taken ${limit} seconds`;
      };
      follow(source, subscriber, {
        run: (run) => {
          [started, before] = [performance.now(), 0];
          run.keep("maxTime", {
            save: () => ({ seconds: elapsed() }),
            restore: (saved) => before = (saved as { seconds: number }).seconds,
          });
          // The time was over when the run was saved.
          if (before >= limit) end(run);
        },
        next: (event) => {
          const ends = elapsed() >= limit;
          if (ends) end(event.run);
          subscriber.next(event);
          if (ends) subscriber.complete();
        },
      });
    });
}
