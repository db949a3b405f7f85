import { type Observable, Subject, type Subscriber, takeUntil } from "rxjs";
import type { RunControl } from "../epoch.ts";
import type { Run } from "../run.ts";
import { perRun, withRunListener } from "../run_listeners.ts";

/** What an operator does with what comes down the pipe; the rest is passed on as it is. */
export interface Follower<Event> {
  /** Called once with each run, as soon as it is known: before its first event if the source says so. */
  run?(run: RunControl): void;
  /** Called with every event; passes it on itself. */
  next(event: Event): void;
  /** Called with an error instead of passing it on. */
  error?(error: unknown): void;
  /** Called at the end instead of passing it on. */
  complete?(): void;
}

/**
 * Subscribes an operator to what is above it, and leaves as soon as `subscriber` is closed, even
 * in the middle of a source that emits synchronously. What `follower` throws goes down the error
 * channel. At the end `subscriber` is served before the source is torn down, so that the weights
 * are still there for whoever saves or restores them.
 *
 * @param source What is above.
 * @param subscriber What is below.
 * @param follower What to do.
 */
export function follow<Event extends { readonly run: RunControl }>(
  source: Observable<Event>,
  subscriber: Subscriber<Event>,
  follower: Follower<Event>,
): void {
  // RxJS's own operators have an inner subscriber for this, which it does not export.
  const closed = new Subject<void>();
  subscriber.add(() => closed.next());
  const guarded = (action: () => void): void => {
    try {
      action();
    } catch (error) {
      subscriber.error(error);
    }
  };
  const meetOnce = perRun((run) => follower.run?.(run));
  const meet = (run: RunControl): void => {
    if (run === undefined) {
      throw new TypeError(
        "Cannot follow a run by what comes down the pipe as it must be steps or epochs: received " +
          "something that knows of no run",
      );
    }
    meetOnce(run as Run);
  };
  withRunListener((run) => guarded(() => meet(run)), source, () => {
    source.pipe(takeUntil(closed)).subscribe({
      next: (event) =>
        guarded(() => {
          meet(event.run);
          follower.next(event);
        }),
      error: (error) =>
        guarded(() => follower.error ? follower.error(error) : subscriber.error(error)),
      complete: () => {
        // takeUntil completes too when it is this operator that leaves.
        if (subscriber.closed) return;
        guarded(() => follower.complete ? follower.complete() : subscriber.complete());
      },
    });
  });
}
