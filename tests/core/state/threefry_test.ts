import assert from "node:assert/strict";
import fc from "fast-check";
import {
  foldKey,
  permutation,
  RandomStream,
  threefry2x32,
  type WordPair,
} from "../../../core/state/mod.ts";
import { isBiased, scaleWord } from "../../../core/state/random_stream.ts";

const word = fc.integer({ min: 0, max: 2 ** 32 - 1 });

/** Columns: counter, key, result. Source: Random123, tests/kat_vectors, threefry2x32 20. */
const knownAnswers: [WordPair, WordPair, WordPair][] = [
  [[0, 0], [0, 0], [0x6b200159, 0x99ba4efe]],
  [[0xffffffff, 0xffffffff], [0xffffffff, 0xffffffff], [0x1cb996fc, 0xbb002be7]],
  [[0x243f6a88, 0x85a308d3], [0x13198a2e, 0x03707344], [0xc4923a9c, 0x483df7a0]],
];

Deno.test("threefry2x32 gives Random123's published answers", () => {
  for (const [counter, key, result] of knownAnswers) {
    assert.deepEqual(threefry2x32(...key, ...counter), result);
  }
});

Deno.test("threefry2x32 equals the algorithm as published, written with loops", () => {
  const rotations = [13, 15, 26, 6, 17, 29, 16, 24];
  const published = (keys: WordPair, counter: WordPair): number[] => {
    const key = [...keys, (keys[0] ^ keys[1] ^ 0x1bd11bda) >>> 0];
    let [a, b] = [(counter[0] + key[0]) >>> 0, (counter[1] + key[1]) >>> 0];
    for (let round = 0; round < 20; round++) {
      a = (a + b) >>> 0;
      const turn = rotations[round % 8];
      b = (((b << turn) | (b >>> (32 - turn))) ^ a) >>> 0;
      if (round % 4 === 3) {
        const step = (round + 1) / 4;
        a = (a + key[step % 3]) >>> 0;
        b = (b + key[(step + 1) % 3] + step) >>> 0;
      }
    }
    return [a, b];
  };
  fc.assert(fc.property(fc.tuple(word, word), fc.tuple(word, word), (key, counter) => {
    assert.deepEqual(threefry2x32(...key, ...counter), published(key, counter));
  }));
});

Deno.test("foldKey splits the seed into its words", () => {
  assert.deepEqual(foldKey(0), [0, 0]);
  assert.deepEqual(foldKey(2 ** 32 + 5), [1, 5]);
  assert.deepEqual(foldKey(Number.MAX_SAFE_INTEGER), [2 ** 21 - 1, 2 ** 32 - 1]);
});

Deno.test("foldKey folds names as its documentation says", () => {
  const name = threefry2x32(0, 42, 0x64636261, 0x00000065); // "abcde", little-endian
  assert.deepEqual(foldKey(42, "abcde"), threefry2x32(...name, 5, 1));
  const number = threefry2x32(0, 42, 1, 7);
  assert.deepEqual(foldKey(42, 2 ** 32 + 7), threefry2x32(...number, 8, 2));
  assert.deepEqual(foldKey(42, ""), threefry2x32(0, 42, 0, 1));
  assert.deepEqual(foldKey(42, "a", 3), foldKeyInTurn(foldKey(42, "a"), 3));
});

function foldKeyInTurn(key: WordPair, value: number): WordPair {
  return threefry2x32(...threefry2x32(...key, 0, value), 8, 2);
}

Deno.test("foldKey tells names apart", () => {
  const names: (string | number)[][] = [
    [],
    [""],
    ["", ""],
    ["a"],
    ["b"],
    ["ab"],
    ["a", "b"],
    ["b", "a"],
    ["a\0"],
    ["\0a"],
    [1],
    ["1"],
    [0],
    [0, 0],
    ["é"],
    ["e\u0301"],
    ["dense_1/kernel"],
    ["dense_1/bias"],
    ["dense_2/kernel"],
    ["shuffle", 1],
    ["shuffle", 2],
    ["shuffle1"],
    [2 ** 32],
    [2 ** 32 + 1],
  ]; // deno-fmt-ignore
  const keys = names.flatMap((name) => [foldKey(1, ...name), foldKey(2, ...name)]);
  assert.equal(new Set(keys.map(String)).size, 2 * names.length);
});

Deno.test("foldKey refuses what is not an integer from 0 to 2^53 - 1", () => {
  for (const wrong of [-1, 0.5, NaN, Infinity, 2 ** 53]) {
    assert.throws(() => foldKey(wrong), /the seed must be an integer/);
    assert.throws(() => foldKey(1, wrong), /a number in a stream's name must be an integer/);
  }
});

Deno.test("RandomStream gives the words of the counters in turn", () => {
  const stream = new RandomStream([3, 4]);
  const words = Array.from({ length: 5 }, () => stream.nextU32());
  const blocks = [0, 1, 2].flatMap((counter) => threefry2x32(3, 4, counter, 0));
  assert.deepEqual(words, blocks.slice(0, 5));
  assert.equal(stream.position, 5);
  const late = new RandomStream([3, 4], 2 ** 33 * 3 + 2);
  assert.equal(late.nextU32(), threefry2x32(3, 4, 1, 3)[0]);
});

Deno.test("RandomStream resumes from any position", () => {
  fc.assert(
    fc.property(fc.tuple(word, word), fc.nat(50), fc.nat(9), (key, skip, more) => {
      const whole = new RandomStream(key);
      for (let i = 0; i < skip; i++) whole.nextU32();
      const resumed = new RandomStream(key, whole.position);
      for (let i = 0; i <= more; i++) assert.equal(resumed.nextU32(), whole.nextU32());
    }),
  );
  for (const wrong of [-1, 0.5, NaN]) {
    assert.throws(() => new RandomStream([0, 0], wrong), RangeError);
  }
});

Deno.test("uniform, normal and below have the moments of their distributions", () => {
  const stream = new RandomStream(foldKey(7, "moments"));
  const count = 100_000;
  let [sum, squares, cubes, below] = [0, 0, 0, 0];
  let uniform = 0;
  for (let i = 0; i < count; i++) {
    const u = stream.uniform();
    assert(u >= 0 && u < 1 && Math.fround(u) === u);
    uniform += u;
    const z = stream.normal();
    [sum, squares, cubes] = [sum + z, squares + z * z, cubes + z ** 3];
    below += stream.below(7);
  }
  // Five standard errors each.
  assert(Math.abs(uniform / count - 0.5) < 5 * 0.2887 / Math.sqrt(count));
  assert(Math.abs(sum / count) < 5 / Math.sqrt(count));
  assert(Math.abs(squares / count - 1) < 5 * Math.SQRT2 / Math.sqrt(count));
  assert(Math.abs(cubes / count) < 5 * Math.sqrt(15) / Math.sqrt(count));
  assert(Math.abs(below / count - 3) < 5 * 2 / Math.sqrt(count));
});

Deno.test("uniform, normal and below are made of the words in turn, as documented", () => {
  const key = foldKey(7, "words");
  const words = new RandomStream(key);
  const [a, b, c, d] = Array.from({ length: 4 }, () => words.nextU32());
  const stream = new RandomStream(key);
  assert.equal(stream.uniform(), Math.floor(a / 2 ** 8) / 2 ** 24);
  const [u, v] = [(b + 1) / 2 ** 32, c / 2 ** 32];
  assert.equal(stream.normal(), Math.sqrt(-2 * Math.log(u)) * Math.cos(2 * Math.PI * v));
  assert.equal(stream.below(7), Math.floor(d * 7 / 2 ** 32));
  assert.equal(stream.position, 4);
});

Deno.test("scaling a word is the high half of the exact product", () => {
  const bound = fc.oneof(fc.integer({ min: 1, max: 2 ** 32 }), fc.constantFrom(1, 3, 2 ** 32));
  fc.assert(
    fc.property(fc.oneof(word, fc.constantFrom(0, 2 ** 32 - 1)), bound, (value, limit) => {
      const product = BigInt(value) * BigInt(limit);
      assert.equal(scaleWord(value, limit), Number(product >> 32n));
      const low = Number(product & 0xffffffffn);
      assert.equal(isBiased(value, limit), low < Number((1n << 32n) % BigInt(limit)));
    }),
    { numRuns: 2000 },
  );
  // Just above 2^63 the rounded product, less its low word, lies below a multiple of 2^32.
  assert.equal(scaleWord(3_037_000_500, 3_037_000_500), 2 ** 31);
});

Deno.test("below refuses bounds out of its range", () => {
  const stream = new RandomStream([0, 0]);
  for (const wrong of [0, -1, 1.5, NaN, 2 ** 32 + 1]) {
    assert.throws(() => stream.below(wrong), /bound must be an integer from 1/);
  }
  assert.equal(stream.below(1), 0);
  assert(stream.below(2 ** 32) < 2 ** 32);
});

Deno.test("permutation holds every number once and depends on seed and epoch", () => {
  fc.assert(fc.property(fc.nat(300), fc.nat(), fc.nat(), (count, seed, epoch) => {
    const order = permutation(count, seed, epoch);
    assert.deepEqual([...order].sort((a, b) => a - b), Array.from({ length: count }, (_, i) => i));
    assert.deepEqual(permutation(count, seed, epoch), order);
    if (count > 30) {
      assert.notDeepEqual(permutation(count, seed, epoch + 1), order);
      assert.notDeepEqual(permutation(count, seed + 1, epoch), order);
    }
  }));
  for (const wrong of [-1, 0.5, NaN, 2 ** 32]) {
    assert.throws(() => permutation(wrong, 1), /count must be an integer/);
  }
});

Deno.test("permutation is Fisher–Yates over its stream: a saved run goes on in the same order", () => {
  for (const count of [0, 1, 2, 301]) {
    const stream = new RandomStream(foldKey(5, "permutation", 3));
    const order: number[] = [];
    for (let i = 0; i < count; i++) {
      const place = stream.below(i + 1);
      order[i] = order[place];
      order[place] = i;
    }
    assert.deepEqual([...permutation(count, 5, 3)], order);
  }
});

Deno.test("permutation makes every order of four equally likely", () => {
  const seen = new Map<string, number>();
  const runs = 24_000;
  for (let epoch = 0; epoch < runs; epoch++) {
    const order = String(permutation(4, 1, epoch));
    seen.set(order, (seen.get(order) ?? 0) + 1);
  }
  assert.equal(seen.size, 24);
  let chiSquare = 0;
  for (const count of seen.values()) chiSquare += (count - runs / 24) ** 2 / (runs / 24);
  assert(chiSquare < 49.7, `chi square of 23 degrees of freedom: ${chiSquare}`); // p = 0.001
});

Deno.test("permutation of 60,000 is fast enough for every epoch", () => {
  let best = Infinity;
  for (let epoch = 0; epoch < 40; epoch++) {
    const start = performance.now();
    permutation(60_000, 42, epoch);
    best = Math.min(best, performance.now() - start);
  }
  // 1 ms where it was measured; the rest is for slower machines and for counting coverage.
  assert(best < 10, `${best} ms`);
});
