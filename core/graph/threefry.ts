/** Two unsigned 32-bit words: a key, a counter or a block of random bits. */
export type WordPair = readonly [number, number];

/**
 * Turns a key and a counter into 64 random bits: Threefry-2x32 with 20 rounds.
 *
 * It is a pure function, the same on every device, and a bijection of the counter for each key, so
 * that different counters never give the same block. Words are unsigned 32-bit integers; anything
 * else is taken modulo 2^32.
 *
 * @param key0 First word of the key.
 * @param key1 Second word of the key.
 * @param counter0 First word of the counter.
 * @param counter1 Second word of the counter.
 * @returns Two random words.
 *
 * @example
 * ```ts
 * import assert from "node:assert/strict";
 * import { threefry2x32 } from "@millrace/millrace";
 *
 * assert.deepEqual(threefry2x32(0, 0, 0, 0), [0x6b200159, 0x99ba4efe]);
 * ```
 *
 * Source: J. Salmon, M. Moraes, R. Dror, D. Shaw, "Parallel random numbers: as easy as 1, 2, 3",
 * SC11, 2011. JAX and Random123 compute the same function.
 */
export function threefry2x32(
  key0: number,
  key1: number,
  counter0: number,
  counter1: number,
): [number, number] {
  const block = new Uint32Array(2);
  writeThreefry(block, 0, key0, key1, counter0, counter1);
  return [block[0], block[1]];
}

/**
 * Writes the block of {@linkcode threefry2x32} into an array, allocating nothing.
 *
 * @param target Where the two words go.
 * @param at Index of the first of them.
 * @param key0 First word of the key.
 * @param key1 Second word of the key.
 * @param counter0 First word of the counter.
 * @param counter1 Second word of the counter.
 */
export function writeThreefry(
  target: Uint32Array,
  at: number,
  key0: number,
  key1: number,
  counter0: number,
  counter1: number,
): void {
  const key2 = key0 ^ key1 ^ 0x1bd11bda;
  let a = (counter0 + key0) | 0;
  let b = (counter1 + key1) | 0;
  // Unrolled: a loop over rotations takes three times as long, and shuffles run every epoch.
  a = (a + b) | 0, b = ((b << 13) | (b >>> 19)) ^ a;
  a = (a + b) | 0, b = ((b << 15) | (b >>> 17)) ^ a;
  a = (a + b) | 0, b = ((b << 26) | (b >>> 6)) ^ a;
  a = (a + b) | 0, b = ((b << 6) | (b >>> 26)) ^ a;
  a = (a + key1) | 0, b = (b + key2 + 1) | 0;
  a = (a + b) | 0, b = ((b << 17) | (b >>> 15)) ^ a;
  a = (a + b) | 0, b = ((b << 29) | (b >>> 3)) ^ a;
  a = (a + b) | 0, b = ((b << 16) | (b >>> 16)) ^ a;
  a = (a + b) | 0, b = ((b << 24) | (b >>> 8)) ^ a;
  a = (a + key2) | 0, b = (b + key0 + 2) | 0;
  a = (a + b) | 0, b = ((b << 13) | (b >>> 19)) ^ a;
  a = (a + b) | 0, b = ((b << 15) | (b >>> 17)) ^ a;
  a = (a + b) | 0, b = ((b << 26) | (b >>> 6)) ^ a;
  a = (a + b) | 0, b = ((b << 6) | (b >>> 26)) ^ a;
  a = (a + key0) | 0, b = (b + key1 + 3) | 0;
  a = (a + b) | 0, b = ((b << 17) | (b >>> 15)) ^ a;
  a = (a + b) | 0, b = ((b << 29) | (b >>> 3)) ^ a;
  a = (a + b) | 0, b = ((b << 16) | (b >>> 16)) ^ a;
  a = (a + b) | 0, b = ((b << 24) | (b >>> 8)) ^ a;
  a = (a + key1) | 0, b = (b + key2 + 4) | 0;
  a = (a + b) | 0, b = ((b << 13) | (b >>> 19)) ^ a;
  a = (a + b) | 0, b = ((b << 15) | (b >>> 17)) ^ a;
  a = (a + b) | 0, b = ((b << 26) | (b >>> 6)) ^ a;
  a = (a + b) | 0, b = ((b << 6) | (b >>> 26)) ^ a;
  target[at] = a + key2;
  target[at + 1] = b + key0 + 5;
}

const rotations = [[13, 15, 26, 6], [17, 29, 16, 24]];

/**
 * The rounds as WGSL, lines and then an expression: the first word, of counters `x` and `y` under keys
 * `z` and `w`.
 */
export const threefryBody: string = body();

function body(): string {
  const keys = ["z", "w", "third"];
  const lines = [`let third = ${0x1bd11bda}u ^ z ^ w;`, "let a0 = x + z;", "let b0 = y + w;"];
  for (let round = 0; round < 20; round++) {
    const turn = rotations[(round >> 2) % 2][round % 4];
    const [a, b] = [`a${round}`, `b${round}`];
    // After every fourth round the keys are added, and a count with the second.
    const group = (round >> 2) + 1;
    const last = round % 4 === 3;
    const mixed = `((${b} << ${turn}u) | (${b} >> ${32 - turn}u)) ^ s${round}`;
    lines.push(
      `let s${round} = ${a} + ${b};`,
      `let a${round + 1} = s${round}${last ? ` + ${keys[group % 3]}` : ""};`,
      `let b${round + 1} = ${last ? `(${mixed}) + ${keys[(group + 1) % 3]} + ${group}u` : mixed};`,
    );
  }
  return [...lines.slice(0, -1), "a20"].join("\n");
}
