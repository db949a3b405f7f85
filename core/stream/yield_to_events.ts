import { setImmediate } from "node:timers";

/** Milliseconds after which a turn is a rest. */
const turn = 200;

let rested = performance.now();

/**
 * Lets timers, signals and messages have their turn; about 20 µs, where `setTimeout` takes 1 ms.
 *
 * Deno looks for signals only where it has nothing else to do, or at every 61st turn: a run of long
 * steps would hear of Ctrl-C after 61 of them. So now and then there is a moment of nothing.
 */
export function yieldToEvents(): Promise<void> {
  const now = performance.now();
  if (now - rested < turn) return new Promise((resolve) => void setImmediate(resolve));
  rested = now;
  return new Promise((resolve) => void setTimeout(resolve, 0));
}
