/** Lets a stream of training steps be measured window by window. */

import type { Observable } from "rxjs";
import type { PreparedRun } from "./peer.ts";

/** What is needed of a step that has been updated. */
export interface MeasuredStep {
  /** The loss; `data` reads it back. */
  readonly loss: { data(): Promise<ArrayLike<number>> };
  /** Keeps the step's permit until the promise has settled. */
  hold(promise: Promise<unknown>): void;
}

/**
 * Subscribes at the first window. Steps from the last of a window on are held until the next window
 * is asked for; the last one reads its loss, which ends the window.
 *
 * A source with several permits runs ahead by as many steps less one. They count for the next
 * window, as those of the window before counted for this one, so windows stay equally long in work.
 *
 * @param steps Steps after `update`; more than a window's worth are never in flight.
 */
export function runByWindows(steps: Observable<MeasuredStep>): PreparedRun {
  let [taken, end] = [0, 0];
  let finished = Promise.withResolvers<number>();
  let opened = Promise.withResolvers<void>();
  const next = (step: MeasuredStep) => {
    taken += 1;
    if (taken < end) return;
    step.hold(opened.promise);
    if (taken > end) return;
    const window = finished;
    step.loss.data().then((loss) => window.resolve(loss[0]), window.reject);
  };
  return {
    run(first, count) {
      const [gate, started] = [opened, end > 0];
      finished = Promise.withResolvers();
      opened = Promise.withResolvers();
      end = first + count;
      if (started) gate.resolve();
      else steps.subscribe({ next, error: (reason) => finished.reject(reason) });
      return finished.promise;
    },
  };
}
