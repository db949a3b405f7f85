import { threefry2x32, type WordPair } from "./threefry.ts";

const utf8 = new TextEncoder();

/**
 * Makes the key of one random stream from the run's seed and the stream's name.
 *
 * A stream is named by what it is for (`foldKey(seed, "dense_1/kernel")`,
 * `foldKey(seed, "shuffle", epoch)`), so that a new layer does not change the numbers of the others.
 *
 * The key starts as the seed's high and low word. Each name is then folded in by blocks of two
 * words: `key = threefry2x32(key, block)`. A string gives its UTF-8 bytes, eight to a block,
 * little-endian, padded by zeros, and a last block `[bytes, 1]`; a number gives its high and low
 * word and a last block `[8, 2]`. So `("a", "b")`, `("ab")` and `(1)`, `("1")` differ, and names of
 * one length up to eight bytes never collide.
 *
 * @param seed The run's seed, an integer from 0 to 2^53 − 1.
 * @param names The stream's name: strings, and integers from 0 to 2^53 − 1.
 * @returns The key, two unsigned 32-bit words.
 * @throws {RangeError} If the seed or a number is not an integer from 0 to 2^53 − 1.
 *
 * @example
 * ```ts
 * import assert from "node:assert/strict";
 * import { foldKey } from "@millrace/millrace";
 *
 * assert.deepEqual(foldKey(42), [0, 42]);
 * assert.notDeepEqual(foldKey(42, "dense_1/kernel"), foldKey(42, "dense_2/kernel"));
 * ```
 */
export function foldKey(seed: number, ...names: (string | number)[]): [number, number] {
  let key = words(seed, "the seed");
  const fold = (block: WordPair): void => {
    key = threefry2x32(...key, ...block);
  };
  for (const name of names) {
    if (typeof name === "number") {
      fold(words(name, "a number in a stream's name"));
      fold([8, 2]);
      continue;
    }
    const bytes = utf8.encode(name);
    const padded = new DataView(new ArrayBuffer(Math.ceil(bytes.length / 8) * 8));
    bytes.forEach((byte, i) => padded.setUint8(i, byte));
    for (let at = 0; at < padded.byteLength; at += 8) {
      fold([padded.getUint32(at, true), padded.getUint32(at + 4, true)]);
    }
    fold([bytes.length, 1]);
  }
  return key;
}

function words(value: number, what: string): [number, number] {
  if (!Number.isSafeInteger(value) || value < 0) {
    throw new RangeError(
      `Cannot make a random key as ${what} must be an integer from 0 to 9007199254740991: ` +
        `received ${value}`,
    );
  }
  return [Math.floor(value / 2 ** 32), value >>> 0];
}
