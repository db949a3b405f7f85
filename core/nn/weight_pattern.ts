import type { AnyModel } from "./connect.ts";

/**
 * Which weights are meant: a name, that of a weight (`dense_1/kernel`) or of a layer and so of all
 * its weights (`dense_1`); several names; a regular expression; or a function of the weight's name.
 */
export type WeightPattern = string | readonly string[] | RegExp | ((name: string) => boolean);

/** Whether a weight's name is meant by `pattern`. */
export function matcherOf(pattern: WeightPattern): (name: string) => boolean {
  if (typeof pattern === "function") return pattern;
  if (pattern instanceof RegExp) {
    // With these flags a test would depend on the one before it.
    const plain = new RegExp(pattern.source, pattern.flags.replace(/[gy]/g, ""));
    return (name) => plain.test(name);
  }
  const names = typeof pattern === "string" ? [pattern] : pattern;
  return (name) => names.some((each) => name === each || name.startsWith(`${each}/`));
}

/**
 * Refuses a pattern that means no weight at all.
 *
 * @throws {RangeError} when none of the weights of `model` is meant.
 */
export function checkMatch(
  what: string,
  pattern: WeightPattern,
  model: AnyModel,
): void {
  const matches = matcherOf(pattern);
  const names = [...model.weights.keys()];
  if (names.some(matches)) return;
  const received = typeof pattern === "function" ? "a function" : String(pattern) || "no name";
  throw new RangeError(
    `Cannot ${what} as no weight is meant by ${received}: the model has ${
      names.slice(0, 8).join(", ")
    }${names.length > 8 ? ", …" : ""}`,
  );
}
