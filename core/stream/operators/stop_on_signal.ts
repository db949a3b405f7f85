import { constants } from "node:os";
import { Observable } from "rxjs";
import type { MonoTypeOperatorFunction } from "../../nn/rxjs_types.ts";
import type { Epoch, RunControl } from "../epoch.ts";
import { follow } from "./follow.ts";

/** Options of {@link stopOnSignal}. */
export interface StopOnSignalOptions {
  /**
   * Called with the signal, and with the exit code that tells of it: 130 for `SIGINT`, 143 for
   * `SIGTERM`. It may set `Deno.exitCode`, which takes effect when everything is saved.
   */
  readonly onSignal?: (signal: Deno.Signal, exitCode: number) => void;
}

/**
 * Ends a run when a signal comes: the stream completes, the run's reason is `interrupted`, and a
 * `checkpoint` below saves the weights.
 *
 * It listens while it is subscribed, so that a second Ctrl-C ends the process as usual. Put it right
 * below `update` or `measure`: what it ends are the operators below it, `progressBar` and
 * `checkpoint` among them, while those above are unsubscribed.
 *
 * @param signals The signals; default `["SIGINT", "SIGTERM"]`. Those that the system does not have
 * (`SIGTERM` on Windows) are left out.
 * @param options What else to do at a signal.
 * @returns An operator on steps or epochs.
 *
 * @example
 * ```ts
 * import { type Epoch, stopOnSignal } from "@millrace/millrace";
 * import { lastValueFrom, of } from "rxjs";
 * import assert from "node:assert/strict";
 *
 * const onSignal = (_signal: string, exitCode: number) => {
 *   Deno.exitCode = exitCode;
 * };
 * const epochs = of({ epoch: 1, run: {} } as Epoch);
 * const last = await lastValueFrom(epochs.pipe(stopOnSignal(["SIGINT"], { onSignal })));
 * assert.equal(last.run.reason, undefined);
 * ```
 *
 * Source: the exit codes are the shell's, 128 plus the signal's number. Keras has no such callback.
 */
export function stopOnSignal<Event extends { readonly run: RunControl } = Epoch>(
  signals: readonly Deno.Signal[] = ["SIGINT", "SIGTERM"],
  options: StopOnSignalOptions = {},
): MonoTypeOperatorFunction<Event> {
  return (source) =>
    new Observable<Event>((subscriber) => {
      let run: RunControl | undefined;
      for (const signal of signals) {
        subscriber.add(listen(signal, () => {
          if (run) run.reason = "interrupted";
          try {
            options.onSignal?.(signal, 128 + (constants.signals[signal as "SIGINT"] ?? 0));
            subscriber.complete();
          } catch (error) {
            subscriber.error(error);
          }
        }));
      }
      follow(source, subscriber, {
        run: (known) => void (run = known),
        next: (event) => subscriber.next(event),
      });
    });
}

/** Listens for a signal until the function that it returns is called; on Windows not for SIGTERM. */
export function listen(signal: Deno.Signal, handler: () => void): () => void {
  try {
    Deno.addSignalListener(signal, handler);
  } catch (error) {
    if (Deno.build.os === "windows" && error instanceof TypeError) return () => {};
    throw new TypeError(
      `Cannot listen for the signal ${signal} as the system has none of that name: name another, ` +
        `such as "SIGINT" or "SIGTERM"`,
      { cause: error },
    );
  }
  return () => Deno.removeSignalListener(signal, handler);
}
