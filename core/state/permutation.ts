import { foldKey } from "./fold_key.ts";
import { isBiased, RandomStream, scaleWord } from "./random_stream.ts";
import { writeThreefry } from "./threefry.ts";

/**
 * Shuffles the numbers from 0 to `count - 1` for one epoch.
 *
 * It depends on its arguments alone, so a resumed run shuffles as the first one would have. Every
 * permutation is as likely as the others (Fisher–Yates over the stream
 * `foldKey(seed, "permutation", epoch)`). 60,000 numbers take 1 to 2 ms once warm.
 *
 * @param count How many numbers, an integer from 0 to 2^32 − 1.
 * @param seed The run's seed, an integer from 0 to 2^53 − 1.
 * @param epoch The epoch, an integer from 0 to 2^53 − 1; default 0.
 * @returns The numbers from 0 to `count - 1` in random order.
 * @throws {RangeError} If an argument is out of its range.
 *
 * @example
 * ```ts
 * import assert from "node:assert/strict";
 * import { permutation } from "@millrace/millrace";
 *
 * const order = permutation(5, 42, 1);
 * assert.deepEqual([...order].sort(), [0, 1, 2, 3, 4]);
 * assert.deepEqual(permutation(5, 42, 1), order);
 * ```
 */
export function permutation(count: number, seed: number, epoch = 0): Uint32Array<ArrayBuffer> {
  if (!Number.isInteger(count) || count < 0 || count >= 2 ** 32) {
    throw new RangeError(
      `Cannot shuffle as the count must be an integer from 0 to 4294967295: received ${count}`,
    );
  }
  const key = foldKey(seed, "permutation", epoch);
  const order = new Uint32Array(count);
  // A word each, all at once: a call of the stream for each takes twice as long.
  const words = new Uint32Array(count + count % 2);
  for (let at = 0; at < words.length; at += 2) {
    writeThreefry(words, at, key[0], key[1], at >>> 1, 0);
  }
  const spare = new RandomStream(key, words.length);
  // Inside out: each number goes to a random place among those before it, and what stood there
  // moves to the end.
  for (let i = 0; i < count; i++) {
    let word = words[i];
    while (isBiased(word, i + 1)) word = spare.nextU32();
    const place = scaleWord(word, i + 1);
    order[i] = order[place];
    order[place] = i;
  }
  return order;
}
