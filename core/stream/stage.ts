import { defer, map, type OperatorFunction } from "rxjs";

/** Combinations that a stage remembers: batch sizes, and groups that share it. */
const most = 8;

/**
 * A synchronous operator whose work on symbols is done once for each combination of what it works
 * on, and found again at every later step.
 *
 * @param create Called for every subscription; gives the function that maps a step.
 */
export function stage<In, Out>(create: () => (step: In) => Out): OperatorFunction<In, Out> {
  return (source) =>
    defer(() => {
      const apply = create();
      return source.pipe(map((step) => apply(step)));
    });
}

/** Remembers results by the identity of what they were made from. */
export class Memory<Result> {
  #entries: { keys: readonly unknown[]; result: Result }[] = [];

  /** The result for `keys`: found, or made. */
  get(keys: readonly unknown[], make: () => Result): Result {
    for (const entry of this.#entries) {
      if (entry.keys.every((key, place) => key === keys[place])) return entry.result;
    }
    const result = make();
    this.#entries = [{ keys, result }, ...this.#entries.slice(0, most - 1)];
    return result;
  }
}
