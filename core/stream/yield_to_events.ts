import { setImmediate } from "node:timers";

/** Lets timers and messages have their turn; about 20 µs, where `setTimeout` takes 1 ms. */
export function yieldToEvents(): Promise<void> {
  return new Promise((resolve) => void setImmediate(resolve));
}

/** Milliseconds of work after which timers, signals and other events get their turn. */
const turn = 25;

/** Milliseconds from one rest to the next. */
const apart = 200;

/**
 * Turns that long work gives to events.
 *
 * Deno looks for signals only where it has nothing else to do, or at every 61st turn: a run of long
 * steps would hear of Ctrl-C after 61 of them. So now and then a turn is a rest, a moment of nothing.
 */
export class Turns {
  #last = performance.now();
  #rested = this.#last;
  #rest: { readonly timer: ReturnType<typeof setTimeout>; readonly end: () => void } | undefined;

  /** A turn for events, if their last one is long enough ago. */
  due(): Promise<void> | undefined {
    const now = performance.now();
    return now - this.#last > turn ? this.#give(now) : undefined;
  }

  async #give(now: number): Promise<void> {
    await (now - this.#rested < apart ? yieldToEvents() : this.#pause(now));
    this.#last = performance.now();
  }

  #pause(now: number): Promise<void> {
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
