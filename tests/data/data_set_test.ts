import assert from "node:assert/strict";
import fc from "fast-check";
import { DataError } from "../../core/graph/errors.ts";
import {
  arrays,
  type ArraysOptions,
  type DataSet,
  type NestedValues,
  sampleCount,
  takeFirst,
  trainValidationSplit,
} from "../../data/mod.ts";
import { finalise, shuffledOrder } from "../../data/shuffled_order.ts";

Deno.test("arrays stores nested arrays as float32, row by row", () => {
  const finite = fc.float({ noNaN: true, noDefaultInfinity: true });
  const size = fc.integer({ min: 1, max: 4 });
  const cases = fc.tuple(size, size, size).chain(([a, b, c]) => {
    const list = <T>(item: fc.Arbitrary<T>, length: number): fc.Arbitrary<T[]> =>
      fc.array(item, { minLength: length, maxLength: length });
    return fc.tuple(list(list(list(finite, c), b), a), list(finite, a));
  });
  fc.assert(fc.property(cases, ([x, y]) => {
    const dataSet = arrays(x, y);
    assert.deepEqual(dataSet.x.data, Float32Array.from(x.flat(2)));
    assert.deepEqual(dataSet.x.shape, [x.length, x[0].length, x[0][0].length]);
    assert.deepEqual(dataSet.y, { data: Float32Array.from(y), shape: [y.length, 1] });
  }));
});

Deno.test("arrays keeps typed arrays as they are", () => {
  const bytes = Uint8Array.of(0, 128, 255, 1, 2, 3);
  const labels = Int32Array.of(1, 0);
  const options = { classes: 2, scale: 1 / 255, offset: -0.5, name: "two" };
  assert.deepEqual(arrays(bytes, labels, options), {
    x: { data: bytes, shape: [2, 3], scale: 1 / 255, offset: -0.5 },
    y: { data: labels, shape: [2] },
    classes: 2,
    name: "two",
  });
  assert.equal(arrays(bytes, labels).x.data, bytes);
  const floats = Float32Array.of(1, 2, 3, 4, 5, 6, 7, 8);
  assert.equal(arrays(floats, labels).x.data, floats);
  assert.deepEqual(arrays(floats, [1, 2], { inputShape: [2, 2] }).x.shape, [2, 2, 2]);
  assert.deepEqual(arrays(Float64Array.of(0.1, 2), Float64Array.of(1, 0.3)), {
    x: { data: Float32Array.of(0.1, 2), shape: [2, 1] },
    y: { data: Float32Array.of(1, 0.3), shape: [2, 1] },
  });
});

Deno.test("arrays stores class ids as integers and one-hot rows as values", () => {
  const x = [[1], [2], [3]];
  assert.deepEqual(arrays(x, [0, 2, 1], { classes: 3 }).y.data, Uint8Array.of(0, 2, 1));
  assert.deepEqual(arrays(x, [0, 299, 1], { classes: 300 }).y.data, Int32Array.of(0, 299, 1));
  const rows = arrays(x, [[1, 0], [0, 1], [1, 0]], { classes: 2 });
  assert.deepEqual(rows.y, { data: Float32Array.of(1, 0, 0, 1, 1, 0), shape: [3, 2] });
  assert.deepEqual(arrays([1, 2, 3], [0, 2, 1]).x.shape, [3, 1]);
});

type X = Parameters<typeof arrays>[0];
type Y = Parameters<typeof arrays>[1];
type Place = { row?: number; column?: number };

/** What may be wrong with arrays, what the message must say and where it must point. */
const faults: [string, unknown, unknown, ArraysOptions, RegExp, Place?][] = [
  ["no samples", [], [], {}, /y holds no numbers/],
  ["no targets", [[1]], [], {}, /y holds no numbers/],
  ["no inputs", [], [1], {}, /x holds no numbers/],
  ["no features", [[], []], [1, 2], {}, /x holds no numbers.*\[2, 0\]/],
  ["no typed inputs", new Float32Array(), [1], {}, /must hold whole samples: received 0/],
  ["no typed targets", [[1]], new Uint8Array(), {}, /y holds no numbers/],
  ["more inputs", [[1], [2]], [1], {}, /received 2 inputs and 1 targets/],
  ["more targets", [[1]], [1, 2], {}, /received 1 inputs and 2 targets/],
  ["a short row", [[1, 2], [3]], [1, 2], {}, /2 values.*sample 1, received 1 values/, { row: 2 }],
  ["a long row", [[1], [3, 4]], [1, 2], {}, /1 values.*sample 1, received 2 values/, { row: 2 }],
  [
    "a ragged row inside",
    [[[1, 2], [3, 4]], [[1, 2], [3]]],
    [1, 2],
    {},
    /sample 1, position \[1\]/,
    { row: 2, column: 2 },
  ],
  ["a number for a row", [[1], 2], [1, 2], {}, /sample 1, received 2$/, { row: 2 }],
  ["a row for a number", [1, [2]], [1, 2], {}, /sample 1, received 1 values/, { row: 2 }],
  ["NaN", [[1, 2], [3, NaN]], [1, 2], {}, /position \[1\], received NaN/, { row: 2, column: 2 }],
  ["Infinity", [[-Infinity]], [1], {}, /received -Infinity/, { row: 1, column: 1 }],
  ["a number past float32", [[1e39]], [1], {}, /finite float32 number.*received 1e\+39/],
  ["text", [["1"]], [1], {}, /received "1"/],
  ["null", [[null]], [1], {}, /received null/],
  ["a hole", [[1], [undefined]], [1, 2], {}, /received undefined/],
  ["NaN in y", [[1], [2]], [1, NaN], {}, /y must be .*sample 1, received NaN/, { row: 2 }],
  [
    "NaN in typed inputs",
    Float32Array.of(1, 2, 3, NaN),
    [1, 2],
    {},
    /x must hold finite.*NaN at sample 1, position 1/,
    { row: 2, column: 2 },
  ],
  ["a double past float32", Float64Array.of(1, 1e300), [1, 2], {}, /received 1e\+300 at sample 1/],
  ["NaN in typed targets", [[1]], Float32Array.of(NaN), {}, /y must hold finite/, { row: 1 }],
  ["half a sample", Uint8Array.of(1, 2, 3), [1, 2], {}, /received 3 numbers for 2 targets/],
  [
    "half a sample of a shape",
    Uint8Array.of(1, 2, 3),
    [1],
    { inputShape: [2] },
    /received 3 numbers for samples of shape \[2\]/,
  ],
  ["another shape", [[1, 2]], [1], { inputShape: [3] }, /of shape \[3\]: received \[2\]/],
  ["a class too many", [[1], [2]], [0, 2], { classes: 2 }, /0 to 1: received 2 at index 1/, {
    row: 2,
  }],
  ["a class below zero", [[1]], [-1], { classes: 2 }, /received -1 at index 0/, { row: 1 }],
  ["half a class", [[1]], [0.5], { classes: 2 }, /received 0.5 at index 0/],
  ["a typed class too many", [[1]], Uint8Array.of(7), { classes: 2 }, /received 7 at index 0/],
  ["a negative typed class", [[1]], Int32Array.of(-7), {}, /0 or more: received -7 at index 0/],
  ["rows of another width", [[1]], [[1, 0, 0]], { classes: 2 }, /rows of 2 values.*\[1, 3\]/],
];

for (const [name, x, y, options, message, place] of faults) {
  Deno.test(`arrays refuses: ${name}`, () => {
    assert.throws(() => arrays(x as X, y as Y, options), (error) => {
      assert(error instanceof DataError, String(error));
      assert.match(error.message, message);
      if (place?.row !== undefined) assert.equal(error.row, place.row);
      if (place?.column !== undefined) assert.equal(error.column, place.column);
      return true;
    });
  });
}

Deno.test("arrays refuses options out of their range", () => {
  for (const classes of [0, -1, 1.5, NaN]) {
    assert.throws(() => arrays([[1]], [0], { classes }), /classes must be an integer from 1/);
  }
  assert.throws(() => arrays([[1]], [0], { scale: NaN }), /scale must be a finite number/);
  assert.throws(() => arrays([[1]], [0], { offset: Infinity }), /offset must be a finite number/);
});

function numbered(count: number): DataSet {
  const rows: NestedValues = Array.from({ length: count }, (_, i) => [i, -i]);
  return arrays(rows, Array.from({ length: count }, (_, i) => i), { name: "numbered" });
}

Deno.test("takeFirst takes the first samples without a copy", () => {
  const all = numbered(7);
  fc.assert(fc.property(fc.integer({ min: 1, max: 7 }), (count) => {
    const { x, y, name } = takeFirst(all, count);
    assert.deepEqual([x.shape, y.shape, name], [[count, 2], [count, 1], "numbered"]);
    assert.deepEqual([...x.data], [...all.x.data.subarray(0, 2 * count)]);
    assert.equal(x.data.buffer, all.x.data.buffer);
    assert.equal(y.data.buffer, all.y.data.buffer);
  }));
  for (const wrong of [0, -1, 1.5, 8, NaN]) {
    assert.throws(() => takeFirst(all, wrong), /an integer from 1 to 7: received/);
  }
});

Deno.test("trainValidationSplit sets the last samples aside, as Keras does", () => {
  const { train, validation } = trainValidationSplit(numbered(10), { validationSplit: 0.25 });
  assert.deepEqual([...train.y.data], [0, 1, 2, 3, 4, 5, 6]); // floor(10 * 0.75) = 7
  assert.deepEqual([...validation.y.data], [7, 8, 9]);
  const most = trainValidationSplit(numbered(10), { validationSplit: 0.9 });
  assert.equal(sampleCount(most.train), 1);
});

Deno.test("trainValidationSplit shuffles inputs with their targets, by seed", () => {
  fc.assert(
    fc.property(fc.integer({ min: 20, max: 60 }), fc.nat(), (count, seed) => {
      const all = numbered(count);
      const options = { validationSplit: 0.3, shuffle: true, seed };
      const { train, validation } = trainValidationSplit(all, options);
      const x = [...train.x.data, ...validation.x.data];
      const y = [...train.y.data, ...validation.y.data];
      assert.deepEqual(x, y.flatMap((label) => [label, -label]));
      assert.notDeepEqual(y, [...all.y.data]);
      assert.deepEqual(y.sort((a, b) => a - b), [...all.y.data]);
      assert.deepEqual(trainValidationSplit(all, options), { train, validation });
      const other = trainValidationSplit(all, { ...options, seed: seed + 1 });
      assert.notDeepEqual(other.train.y.data, train.y.data);
    }),
  );
  const all = numbered(30);
  trainValidationSplit(all, { validationSplit: 0.5, shuffle: true });
  assert.deepEqual(all, numbered(30));
});

Deno.test("trainValidationSplit refuses options out of their range", () => {
  for (const validationSplit of [0, 1, -0.1, 1.1, NaN]) {
    assert.throws(
      () => trainValidationSplit(numbered(9), { validationSplit }),
      /validationSplit must be above 0 and below 1/,
    );
  }
  assert.throws(
    () => trainValidationSplit(numbered(1), { validationSplit: 0.5 }),
    /neither part may be empty: received 1 samples/,
  );
  for (const seed of [-1, 0.5, 2 ** 32]) {
    const options = { validationSplit: 0.5, shuffle: true, seed };
    assert.throws(() => trainValidationSplit(numbered(9), options), /the seed must be an integer/);
  }
});

Deno.test("the shuffle's mixer gives MurmurHash3's published answers", () => {
  // Source: hashes of the empty text with seeds 0, 1 and 2^32 - 1, which are the finaliser alone.
  assert.deepEqual([0, 1, 0xffffffff].map(finalise), [0, 0x514e28b7, 0x81f16f39]);
});

Deno.test("the shuffle makes every order of three about equally likely", () => {
  const seen = new Map<string, number>();
  for (let seed = 0; seed < 6000; seed++) {
    const order = String(shuffledOrder(3, seed));
    seen.set(order, (seen.get(order) ?? 0) + 1);
  }
  assert.equal(seen.size, 6);
  for (const count of seen.values()) assert(Math.abs(count - 1000) < 150, String(count));
});
