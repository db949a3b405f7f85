import assert from "node:assert/strict";
import fc from "fast-check";
import { DataError } from "../../core/graph/errors.ts";
import {
  arrays,
  fitStandardisation,
  oneHotEncode,
  standardise,
  toCategorical,
} from "../../data/mod.ts";

Deno.test("oneHotEncode encodes Red, Red, Yellow, Green, Yellow (F10)", () => {
  const colours = ["Red", "Red", "Yellow", "Green", "Yellow"];
  // deno-fmt-ignore
  const expected = Float32Array.of(
    1, 0, 0,
    1, 0, 0,
    0, 1, 0,
    0, 0, 1,
    0, 1, 0,
  );
  for (const categories of [["Red", "Yellow", "Green"], undefined]) {
    assert.deepEqual(oneHotEncode(colours, categories), {
      data: expected,
      shape: [5, 3],
      categories: ["Red", "Yellow", "Green"],
    });
  }
});

Deno.test("oneHotEncode keeps columns that no value uses, and odd names", () => {
  const { data, shape } = oneHotEncode(["__proto__"], ["", "__proto__", "constructor"]);
  assert.deepEqual([[...data], shape], [[0, 1, 0], [1, 3]]);
});

Deno.test("oneHotEncode refuses unseen and doubled categories", () => {
  assert.throws(() => oneHotEncode(["Red", "Blue"], ["Red", "Green"]), (error) => {
    assert(error instanceof DataError);
    assert.match(error.message, /one of \["Red","Green"\]: received "Blue" at index 1/);
    assert.equal(error.row, 2);
    return true;
  });
  assert.throws(() => oneHotEncode(["Red"], ["Red", "Red"]), /received "Red" twice/);
});

Deno.test("toCategorical sets one entry a row, at the label", () => {
  fc.assert(fc.property(fc.array(fc.nat(9), { minLength: 1, maxLength: 50 }), (labels) => {
    const { data, shape } = toCategorical(Uint8Array.from(labels), 10);
    assert.deepEqual(shape, [labels.length, 10]);
    labels.forEach((label, row) => {
      const expected = Array.from({ length: 10 }, (_, column) => column === label ? 1 : 0);
      assert.deepEqual([...data.subarray(10 * row, 10 * row + 10)], expected);
    });
    assert.equal(toCategorical(labels).shape[1], Math.max(...labels) + 1);
  }));
});

Deno.test("toCategorical refuses labels out of range", () => {
  assert.throws(() => toCategorical([0, 3], 3), /0 to 2: received 3 at index 1/);
  assert.throws(() => toCategorical([-1], 3), /received -1 at index 0/);
  assert.throws(() => toCategorical([0.5], 3), DataError);
  assert.throws(() => toCategorical([NaN], 3), DataError);
  assert.throws(() => toCategorical([0], 0), RangeError);
});

Deno.test("standardise gives every feature mean 0 and deviation 1", () => {
  const value = fc.float({ min: -1000, max: 1000, noNaN: true });
  const rows = fc.array(fc.tuple(value, value, value), { minLength: 2, maxLength: 30 });
  fc.assert(fc.property(rows, (x) => {
    const inputs = arrays(x, x.map(() => 0)).x;
    const fitted = fitStandardisation(inputs);
    const result = standardise(inputs, fitted);
    assert.deepEqual(result.shape, inputs.shape);
    for (let feature = 0; feature < 3; feature++) {
      const before = x.map((row) => row[feature]);
      const after = x.map((_, row) => result.data[3 * row + feature]);
      const mean = after.reduce((sum, number) => sum + number, 0) / x.length;
      const spread = after.reduce((sum, number) => sum + (number - mean) ** 2, 0) / x.length;
      if (new Set(before).size === 1) {
        assert.equal(fitted.std[feature], 1);
        assert(after.every((number) => number === 0));
      } else if (fitted.std[feature] > 1e-3) {
        assert(Math.abs(mean) < 1e-5 && Math.abs(spread - 1) < 1e-4, `${mean}, ${spread}`);
      }
    }
  }));
});

Deno.test("fitStandardisation finds the known mean and deviation", () => {
  // Deviations from the mean 5: 3 1 1 1 0 0 2 4, squares sum 32, over 8 samples: 4.
  const { x } = arrays([2, 4, 4, 4, 5, 5, 7, 9], Array(8).fill(0));
  assert.deepEqual(fitStandardisation(x), { mean: Float64Array.of(5), std: Float64Array.of(2) });
});

Deno.test("a constant column that rounding would spread becomes zeros", () => {
  const { x } = arrays(Array(1000).fill([0.1, 5]), Array(1000).fill(0));
  const fitted = fitStandardisation(x);
  assert.deepEqual(fitted.std, Float64Array.of(1, 1));
  assert(standardise(x, fitted).data.every((number) => number === 0));
});

Deno.test("standardisation sees bytes with their scale and offset applied", () => {
  const { x } = arrays(Uint8Array.of(0, 100), [0, 1], { scale: 0.02, offset: -3 });
  const fitted = fitStandardisation(x);
  assert.deepEqual([fitted.mean[0], fitted.std[0]], [-2, 1]);
  assert.deepEqual(standardise(x, fitted), { data: Float32Array.of(-1, 1), shape: [2, 1] });
});

Deno.test("standardisation refuses other features and no samples", () => {
  const { x } = arrays([[1, 2]], [0]);
  const fitted = fitStandardisation(arrays([1, 2], [0, 0]).x);
  assert.throws(() => standardise(x, fitted), /received 2, fitted on 1/);
  assert.throws(
    () => fitStandardisation({ data: new Float32Array(), shape: [0, 2] }),
    /needs a sample or more: received shape \[0, 2\]/,
  );
});
