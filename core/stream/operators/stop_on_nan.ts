import { Observable } from "rxjs";
import type { MonoTypeOperatorFunction } from "../../nn/rxjs_types.ts";
import { NonFiniteError } from "../../graph/errors.ts";
import type { Epoch, RunControl } from "../epoch.ts";
import { type AnyBatch, Batch } from "../stages.ts";
import { follow } from "./follow.ts";

/**
 * Ends a run quietly when its loss becomes NaN or infinite, or its gradients do so that weights stay
 * as they were.
 *
 * Without it the stream fails with a {@link NonFiniteError}. With it the stream completes, what
 * went wrong is said on stderr with its step and layer, and the run's reason is `error`. An epoch
 * whose `loss` or `val_loss` is not finite is passed on as the last.
 *
 * @returns An operator on steps or epochs; other errors pass.
 *
 * @example
 * ```ts
 * import { type Epoch, NonFiniteError, stopOnNaN } from "@millrace/millrace";
 * import { concat, lastValueFrom, of, throwError } from "rxjs";
 * import assert from "node:assert/strict";
 *
 * const epoch = { epoch: 1, logs: { loss: 0.5 }, run: {} } as unknown as Epoch;
 * const failing = concat(
 *   of(epoch),
 *   throwError(() => new NonFiniteError("loss is NaN at step 7, first in dense_1", 7, "dense_1")),
 * );
 * const last = await lastValueFrom(failing.pipe(stopOnNaN()));
 * assert.equal(last.epoch, 1);
 * assert.equal(last.run.reason, "error");
 * ```
 *
 * Source: Keras 3, `TerminateOnNaN`, which looks at the loss of each batch alone.
 */
export function stopOnNaN<Event extends AnyBatch | Epoch = Epoch>(): MonoTypeOperatorFunction<
  Event
> {
  return (source) =>
    new Observable<Event>((subscriber) => {
      let run: RunControl | undefined;
      const stop = (what: string): void => {
        if (run) run.reason = "error";
        console.error(`stopOnNaN: ${what}; training was stopped`);
        subscriber.complete();
      };
      follow(source, subscriber, {
        run: (known) => void (run = known),
        next: (event) => {
          const found = nonFiniteLog(event);
          if (found !== undefined) event.run.reason = "error";
          subscriber.next(event);
          if (found !== undefined) stop(found);
        },
        error: (error) => {
          if (error instanceof NonFiniteError) stop(describe(error));
          else subscriber.error(error);
        },
      });
    });
}

function nonFiniteLog(event: AnyBatch | Epoch): string | undefined {
  if (event instanceof Batch) return undefined;
  const { epoch, step, logs } = event;
  const name = ["loss", "val_loss"].find((log) =>
    Object.hasOwn(logs, log) && !Number.isFinite(logs[log])
  );
  return name === undefined
    ? undefined
    : `${name} is ${logs[name]} after epoch ${epoch}, at step ${step}`;
}

/** The message, and the step and layer unless it names them. */
function describe({ message, step, layer }: NonFiniteError): string {
  const missing = [
    ...(message.includes(`step ${step}`) ? [] : [`at step ${step}`]),
    ...(layer === null || message.includes(layer) ? [] : [`first in ${layer}`]),
  ];
  return [message, ...missing].join(", ");
}
