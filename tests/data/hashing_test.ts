/** Hashes of strings: FarmHash's C library, SipHash's paper, Keras's documented examples. */
import assert from "node:assert/strict";
import { farmHash64 } from "../../data/farm_hash.ts";
import { sipHash64 } from "../../data/sip_hash.ts";
import { arrays, DataError, hashing, type HashingMode, type HashingOptions } from "../../mod.ts";

const bytesOf = (text: string) => new TextEncoder().encode(text);

/** Fingerprints by length of the C library (farmhash 1.1, by npm's farmhash 5), of the strings below. */
const fingerprints: [length: number, fingerprint: string][] = [
  [0, "11160318154034397263"],
  [1, "3393165534117459401"],
  [3, "7445679526692120260"],
  [4, "2293462010286936570"],
  [7, "3357191728626003758"],
  [8, "7300400494522017384"],
  [16, "13564264202515814715"],
  [17, "1582231938663319104"],
  [32, "12409916443894716665"],
  [33, "11431267180901355831"],
  [63, "13357219009870311419"],
  [64, "9289703687368593970"],
  [65, "8113938928132675010"],
  [127, "16581758593203645505"],
  [128, "9257066654218543669"],
  [129, "2202537113468647134"],
  [192, "3503402265380312216"],
  [200, "6875189001313829211"],
];

Deno.test("farmHash64 gives the C library's fingerprints, for every kind of length", () => {
  for (const [length, expected] of fingerprints) {
    const codes = Array.from({ length }, (_, i) => 32 + (i * 37 + length * 11) % 90);
    assert.equal(farmHash64(Uint8Array.from(codes)), BigInt(expected), `${length} bytes`);
  }
  // A part of a buffer is hashed as the same bytes elsewhere.
  const padded = bytesOf("xx1footrue").subarray(2);
  // BigQuery's documentation of FARM_FINGERPRINT.
  assert.equal(BigInt.asIntN(64, farmHash64(padded)), -1541654101129638711n);
  assert.equal(BigInt.asIntN(64, farmHash64(bytesOf("3true"))), -4880158226897771312n);
});

Deno.test("sipHash64 gives the value of its paper", () => {
  const key = [0x0706050403020100n, 0x0f0e0d0c0b0a0908n] as const;
  const bytes = Uint8Array.from({ length: 15 }, (_, at) => at);
  assert.equal(sipHash64(bytes, key), 0xa129ca6149be45e5n);
});

Deno.test("hashing gives the bins that Keras documents", () => {
  const letters = [["A"], ["B"], ["C"], ["D"], ["E"]];
  const cases: [options: HashingOptions, values: string[][], bins: number[]][] = [
    [{}, letters, [1, 0, 1, 1, 2]],
    [{ maskValue: "" }, [["A"], ["B"], [""], ["C"], ["D"]], [1, 1, 0, 2, 2]],
    [{ salt: [133, 137] }, letters, [1, 2, 1, 0, 2]],
    [{ salt: 133 }, letters, [0, 0, 2, 1, 0]],
  ];
  for (const [options, values, bins] of cases) {
    const encoder = hashing(3, options);
    const { data, shape } = encoder.apply(values);
    assert.deepEqual([...data], bins, JSON.stringify(options));
    assert.deepEqual(shape, [5, 1]);
    const { numBins, ...config } = JSON.parse(JSON.stringify(encoder.config));
    assert.deepEqual([...hashing(numBins, config).apply(values).data], bins);
  }
});

Deno.test("hashing: modes, integers, many strings, data set", () => {
  const values = [["A", "E", "A"], ["B", "B", "B"]];
  const tables: [HashingMode, number[], number[]][] = [
    ["int", [2, 3], [1, 2, 1, 0, 0, 0]],
    ["multiHot", [2, 3], [0, 1, 1, 1, 0, 0]],
    ["count", [2, 3], [0, 2, 1, 3, 0, 0]],
    ["oneHot", [2, 3, 3], [0, 1, 0, 0, 0, 1, 0, 1, 0, 1, 0, 0, 1, 0, 0, 1, 0, 0]],
  ];
  for (const [outputMode, shape, data] of tables) {
    const given = hashing(3, { outputMode }).apply(values);
    assert.deepEqual([given.shape, [...given.data]], [shape, data], outputMode);
  }
  // A whole number has the bin of its digits.
  const numbers = hashing(1000).apply([7, -12, 7]);
  assert.deepEqual([...numbers.data], [...hashing(1000).apply(["7", "-12", "7"]).data]);
  assert.deepEqual([...hashing(5, { maskValue: 7 }).apply([7, "7"]).data], [0, 0]);
  // All bins are used about as often, with a salt too.
  const words = Array.from({ length: 5000 }, (_, at) => `word ${at}`);
  for (const salt of [undefined, 5]) {
    const counts = new Array(10).fill(0);
    hashing(10, { salt }).apply(words).data.forEach((bin) => counts[bin]++);
    assert(counts.every((count) => count > 400 && count < 600), `${counts}`);
  }
  const { x } = arrays(hashing(3).apply(["A", "B"]).data, [0, 1]);
  assert.deepEqual([x.shape, [...x.data]], [[2, 1], [1, 0]]);
});

Deno.test("hashing refuses what it cannot do", () => {
  assert.throws(() => hashing(0), /numBins must be a whole number from 1.*received 0/);
  assert.throws(() => hashing(1, { maskValue: "" }), /from 2 with a maskValue, .*: received 1/);
  // Float32 would give one number for two bins.
  assert.throws(() => hashing(2 ** 24 + 1), /to 16777216: received 16777217/);
  for (const salt of [-1, 0.5, [1], [1, 2, 3]]) {
    assert.throws(() => hashing(3, { salt }), /its salt must be a whole number from 0, or two/);
  }
  assert.throws(
    () => hashing(3, { outputMode: "tfIdf" as HashingMode }),
    /outputMode must be one of int, oneHot, multiHot, count: received "tfIdf"/,
  );
  assert.throws(() => hashing(3).apply([0.5]), /must be whole: received 0.5 \(make it a string\)/);
  assert.throws(
    () => hashing(3).apply([["a"], ["b", "c"]]),
    (error: Error) => {
      assert(error instanceof DataError);
      assert.match(error.message, /Cannot hash values as outputMode int needs lists of one length/);
      return true;
    },
  );
});
