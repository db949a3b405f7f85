import assert from "node:assert/strict";
import fc from "fast-check";
import { arrays, kFold, sampleCount, streamedDataSet, subset } from "../../data/mod.ts";

const numbers = Array.from({ length: 11 }, (_, at) => at);
const named = arrays(
  { a: numbers.map((n) => [n, -n]), b: numbers.map((n) => [[n / 2]]) },
  { kind: Int32Array.from(numbers), value: numbers },
  { sampleWeight: numbers },
);

Deno.test("subset takes samples of all arrays, by name and with their weights", () => {
  const taken = subset(named, new Uint32Array([7, 0, 7]));
  assert.deepEqual(taken.x.a, { data: Float32Array.of(7, -7, 0, -0, 7, -7), shape: [3, 2] });
  assert.deepEqual(taken.x.b, { data: Float32Array.of(3.5, 0, 3.5), shape: [3, 1, 1] });
  assert.deepEqual(taken.y.kind, { data: Int32Array.of(7, 0, 7), shape: [3] });
  assert.deepEqual(taken.sampleWeight, Float32Array.of(7, 0, 7));
  taken.x.a.data[0] = 99;
  assert.equal(named.x.a.data[14], 7);
});

Deno.test("subset reads the samples of a streamed data set by their numbers", async () => {
  const streamed = streamedDataSet({
    samples: 100,
    x: { shape: [1], type: "float32" },
    y: { shape: [], type: "uint8" },
    read: (rows, { x, y }) => rows.forEach((row, at) => [x.data[at], y.data[at]] = [row / 2, row]),
  });
  const taken = subset(streamed, [90, 3]);
  assert.equal(sampleCount(taken), 2);
  const batch = {
    x: { data: new Float32Array(2), shape: [2, 1] },
    y: { data: new Uint8Array(2), shape: [2] },
  };
  await taken.read!(Uint32Array.of(1, 0), batch);
  assert.deepEqual([...batch.x.data, ...batch.y.data], [1.5, 45, 3, 90]);
});

Deno.test("subset refuses what is no sample", () => {
  for (const wrong of [[], [11], [-1], [0.5], [NaN]]) {
    assert.throws(() => subset(named, wrong), {
      name: "RangeError",
      message: /must be one or more from 0 to 10: received/,
    });
  }
});

Deno.test("each sample validates once, and trains in all other folds", () => {
  const cases = fc.integer({ min: 2, max: 30 }).chain((samples) =>
    fc.tuple(fc.constant(samples), fc.integer({ min: 2, max: samples }), fc.boolean())
  );
  fc.assert(fc.property(cases, ([samples, folds, shuffle]) => {
    const all = Array.from({ length: samples }, (_, at) => at);
    const made = kFold(arrays(all.map((n) => [n]), all), { folds, shuffle, seed: 3 });
    const parts = [...made];
    assert.deepEqual(parts.map(({ fold }) => fold), all.slice(0, folds).map((n) => n + 1));
    const validated = parts.map(({ validation }) => [...validation.y.data]);
    assert.deepEqual(validated.flat().sort((a, b) => a - b), all);
    const sizes = validated.map(({ length }) => length);
    assert(Math.max(...sizes) - Math.min(...sizes) <= 1 && sizes[0] >= sizes.at(-1)!);
    parts.forEach(({ train }, place) => {
      const both = [...train.y.data, ...validated[place]].sort((a, b) => a - b);
      assert.deepEqual(both, all);
    });
    // To be gone through again, as by a stream that is subscribed to again.
    assert.deepEqual([...made], parts);
  }));
});

Deno.test("folds are scikit-learn's: in order, the first ones larger", () => {
  const data = arrays(numbers.map((n) => [n]), numbers);
  const sizes = [...kFold(data, { folds: 3 })].map(({ validation }) => [...validation.y.data]);
  assert.deepEqual(sizes, [[0, 1, 2, 3], [4, 5, 6, 7], [8, 9, 10]]);
  for (const folds of [1, 12, 2.5]) assert.throws(() => kFold(data, { folds }), RangeError);
  const shuffled = (seed: number) =>
    [...kFold(data, { folds: 3, shuffle: true, seed })].flatMap((
      fold,
    ) => [...fold.validation.y.data]);
  assert.notDeepEqual(shuffled(1), numbers);
  assert.notDeepEqual(shuffled(1), shuffled(2));
});
