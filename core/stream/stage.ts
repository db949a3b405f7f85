import { map, Observable } from "rxjs";
import type { OperatorFunction } from "../nn/rxjs_types.ts";
import { perRun, type RunListener, withRunListener } from "./run_listeners.ts";
import { checkStage, type StageName } from "./stage_order.ts";
import type { AnyBatch } from "./stages.ts";

/** Combinations that a stage remembers: batch sizes, and groups that share it. */
const most = 8;

/**
 * A synchronous operator whose work on symbols is done once for each combination of what it works
 * on, and found again at every later step.
 *
 * @param name Its name, for messages.
 * @param above The stage whose steps it takes, or one below it.
 * @param create Called for every run; gives the function that maps a step. What it hands to `onRun`
 * is told of the run before its first step.
 */
export function stage<In, Out>(
  name: string,
  above: StageName,
  create: (onRun: (listener: RunListener) => void) => (step: In) => Out,
): OperatorFunction<In, Out> {
  return (source) =>
    new Observable((subscriber) => {
      const meet = perRun((run) => {
        const listeners: RunListener[] = [];
        const apply = create((listener) => void listeners.push(listener));
        listeners.forEach((listener) => listener(run));
        return apply;
      });
      withRunListener(meet, source, () => {
        subscriber.add(
          source.pipe(map((step) => {
            checkStage(name, above, step);
            return meet((step as AnyBatch).frame.run)(step);
          })).subscribe(subscriber),
        );
      });
    });
}

/** Whether two lists of one length hold the same things; looked at in every step. */
export function areSame(one: readonly unknown[], other: readonly unknown[]): boolean {
  for (let place = 0; place < one.length; place++) if (one[place] !== other[place]) return false;
  return true;
}

/** Remembers results by the identity of what they were made from. */
export class Memory<Result> {
  #entries: { keys: readonly unknown[]; result: Result }[] = [];

  /** The result for `keys`: found, or made. */
  get(keys: readonly unknown[], make: () => Result): Result {
    for (const entry of this.#entries) if (areSame(entry.keys, keys)) return entry.result;
    const result = make();
    this.#entries = [{ keys, result }, ...this.#entries.slice(0, most - 1)];
    return result;
  }
}
