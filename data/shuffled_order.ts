/**
 * Shuffles the numbers from 0 to `count - 1`, the same way for the same seed.
 *
 * This room imports nothing from the rooms of models, so it has a generator of its own: SplitMix,
 * that is MurmurHash3's finaliser over a counter that steps by an odd constant.
 *
 * @param count How many numbers, below 2^32.
 * @param seed Any integer from 0 to 2^32 − 1.
 * @returns A permutation of 0 to `count - 1`.
 * @throws {RangeError} If the seed is not an integer from 0 to 2^32 − 1.
 *
 * Source: G. Steele, D. Lea, C. Flood, "Fast splittable pseudorandom number generators", 2014.
 */
export function shuffledOrder(count: number, seed: number): Uint32Array {
  if (!Number.isInteger(seed) || seed < 0 || seed >= 2 ** 32) {
    throw new RangeError(
      `Cannot shuffle as the seed must be an integer from 0 to 4294967295: received ${seed}`,
    );
  }
  let state = finalise(seed);
  const order = Uint32Array.from({ length: count }, (_, i) => i);
  for (let i = count - 1; i > 0; i--) {
    state = (state + 0x9e3779b9) >>> 0;
    // Taking the high part of a product with a 32-bit number is biased by at most count / 2^32.
    const j = Math.floor(finalise(state) / 2 ** 32 * (i + 1));
    [order[i], order[j]] = [order[j], order[i]];
  }
  return order;
}

/**
 * Mixes the bits of a 32-bit number, as MurmurHash3 does at its end.
 *
 * @param word An integer from 0 to 2^32 − 1.
 * @returns An integer from 0 to 2^32 − 1; no two words give the same.
 */
export function finalise(word: number): number {
  let hash = word ^ (word >>> 16);
  hash = Math.imul(hash, 0x85ebca6b);
  hash ^= hash >>> 13;
  hash = Math.imul(hash, 0xc2b2ae35);
  return (hash ^ (hash >>> 16)) >>> 0;
}
