import { setImmediate } from "node:timers";

/** Lets timers and messages have their turn; about 20 µs, where `setTimeout` takes 1 ms. */
export function yieldToEvents(): Promise<void> {
  return new Promise((resolve) => void setImmediate(resolve));
}

/** Milliseconds from one rest to the next. */
const apart = 200;

/**
 * Turns that long work gives to events.
 *
 * Deno looks for signals only where it has nothing else to do, or at every 61st turn: a run of long
 * steps would hear of Ctrl-C after 61 of them. So now and then a turn is a rest, a moment of nothing.
 */
export class Turns {
  #rested = performance.now();
  #rest: { readonly timer: ReturnType<typeof setTimeout>; readonly end: () => void } | undefined;

  /** Gives a turn to events. */
  give(): Promise<void> {
    const now = performance.now();
    if (now - this.#rested < apart) return yieldToEvents();
    this.#rested = now;
    return new Promise((resolve) => {
      this.#rest = { timer: setTimeout(resolve, 0), end: resolve };
    });
  }

  /** The work is over: a rest that goes on ends, and there are no more. */
  stop(): void {
    this.#rested = Infinity;
    if (!this.#rest) return;
    clearTimeout(this.#rest.timer);
    this.#rest.end();
  }
}
