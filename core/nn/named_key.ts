import { foldKey } from "../state/fold_key.ts";

/** What a stream of random numbers starts from: two 32-bit words folded from a seed and a name. */
export interface NamedKey {
  /** First word, u32. */
  readonly key0: number;
  /** Second word, u32. */
  readonly key1: number;
  /**
   * The key of a part: that of `dense_1` folded with `kernel` is the key of `dense_1/kernel`.
   *
   * @param name The part's name.
   */
  fold(name: string): NamedKey;
}

/**
 * The random key of a seed and a name.
 *
 * Keys hang on names alone, so that a new layer does not change the numbers of the others.
 *
 * @param seed A whole number from 0 to 2^53 − 1.
 * @param name What the numbers are for, `dense_1/kernel`.
 * @returns The key.
 * @throws {RangeError} when the seed is out of its range.
 *
 * @example
 * ```ts
 * import { namedKey } from "@millrace/millrace";
 * import assert from "node:assert/strict";
 *
 * const { key0, key1 } = namedKey(42, "dense_1").fold("kernel");
 * assert.equal(key0, namedKey(42, "dense_1/kernel").key0);
 * assert.equal(key1, namedKey(42, "dense_1/kernel").key1);
 * ```
 */
export function namedKey(seed: number, name: string): NamedKey {
  const [key0, key1] = foldKey(seed, name);
  return { key0, key1, fold: (part) => namedKey(seed, `${name}/${part}`) };
}
