import { type WordPair, writeThreefry } from "./threefry.ts";

/**
 * A stream of random numbers with a key and a position, and no other state.
 *
 * Word `n` of the stream is word `n % 2` of `threefry2x32(key, [low, high])`, where `low` and `high`
 * are the words of the counter `floor(n / 2)`. A stream made anew with the key and the `position` of
 * another carries on where that one stood.
 *
 * @example
 * ```ts
 * import assert from "node:assert/strict";
 * import { foldKey, RandomStream } from "@millrace/millrace";
 *
 * const stream = new RandomStream(foldKey(42, "noise"));
 * stream.normal();
 * const resumed = new RandomStream(foldKey(42, "noise"), stream.position);
 * assert.equal(resumed.uniform(), stream.uniform());
 * ```
 */
export class RandomStream {
  readonly #key: WordPair;
  readonly #block = new Uint32Array(2);
  #position: number;

  /**
   * Makes a stream.
   *
   * @param key Two unsigned 32-bit words, from {@linkcode foldKey}.
   * @param position Number of words already taken, an integer from 0; default 0.
   * @throws {RangeError} If `position` is not an integer from 0 to 2^53 − 1.
   */
  constructor(key: WordPair, position = 0) {
    if (!Number.isSafeInteger(position) || position < 0) {
      throw new RangeError(
        `Cannot start a random stream as its position must be an integer from 0: ` +
          `received ${position}`,
      );
    }
    this.#key = [key[0], key[1]];
    this.#position = position;
    if (position % 2 === 1) this.#fill(position - 1);
  }

  /** Number of words taken so far. */
  get position(): number {
    return this.#position;
  }

  /**
   * Takes 32 random bits.
   *
   * @returns An integer from 0 to 2^32 − 1.
   */
  nextU32(): number {
    const half = this.#position % 2;
    if (half === 0) this.#fill(this.#position);
    this.#position++;
    return this.#block[half];
  }

  /**
   * Takes a number from the uniform distribution on [0, 1); one word of the stream.
   *
   * @returns A multiple of 2^-24, so that it is the same in float32.
   */
  uniform(): number {
    return (this.nextU32() >>> 8) * 2 ** -24;
  }

  /**
   * Takes a number from the normal distribution of mean 0 and standard deviation 1.
   *
   * `sqrt(-2 ln u) cos(2 π v)`, with `u` in (0, 1] and `v` in [0, 1): the Box–Muller transform. It
   * always takes two words, so that the position alone says where a stream stands.
   *
   * @returns A number of size 6.67 at most.
   */
  normal(): number {
    const u = (this.nextU32() + 1) * 2 ** -32;
    const v = this.nextU32() * 2 ** -32;
    return Math.sqrt(-2 * Math.log(u)) * Math.cos(2 * Math.PI * v);
  }

  /**
   * Takes an integer below a bound, every one as likely as the others.
   *
   * @param bound An integer from 1 to 2^32.
   * @returns An integer from 0 to `bound - 1`.
   * @throws {RangeError} If the bound is out of its range.
   *
   * Source: D. Lemire, "Fast random integer generation in an interval", 2019.
   */
  below(bound: number): number {
    if (!Number.isInteger(bound) || bound < 1 || bound > 2 ** 32) {
      throw new RangeError(
        `Cannot take a random integer as its bound must be an integer from 1 to 4294967296: ` +
          `received ${bound}`,
      );
    }
    let word = this.nextU32();
    while (isBiased(word, bound)) word = this.nextU32();
    return scaleWord(word, bound);
  }

  #fill(position: number): void {
    const counter = position / 2;
    writeThreefry(
      this.#block,
      0,
      this.#key[0],
      this.#key[1],
      counter >>> 0,
      Math.floor(counter / 2 ** 32),
    );
  }
}

/**
 * Tells whether a word must be drawn again for the numbers below a bound to be equally likely.
 *
 * @param word An integer from 0 to 2^32 − 1.
 * @param bound An integer from 1 to 2^32.
 * @returns `true` if the word belongs to the `2^32 % bound` ones that are too many.
 */
export function isBiased(word: number, bound: number): boolean {
  const low = Math.imul(word, bound) >>> 0;
  // The first test spares nearly every word the division.
  return low < bound && low < 2 ** 32 % bound;
}

/**
 * Scales a word to a number below a bound: the high word of their 64-bit product.
 *
 * @param word An integer from 0 to 2^32 − 1.
 * @param bound An integer from 1 to 2^32.
 * @returns `floor(word * bound / 2^32)`.
 */
export function scaleWord(word: number, bound: number): number {
  // The product may pass 2^53 and be rounded. The low word is exact by imul, and with it taken off
  // the rest is so near a multiple of 2^32 that rounding its quotient gives the high word exactly.
  return ((word * bound - (Math.imul(word, bound) >>> 0)) * 2 ** -32 + 0.5) >>> 0;
}
