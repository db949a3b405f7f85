import assert from "node:assert/strict";

/** Asserts that numbers agree to `tolerance`, absolute below 1 and relative above. */
export function assertClose(
  actual: ArrayLike<number>,
  expected: ArrayLike<number>,
  tolerance = 1e-9,
  what = "values",
): void {
  assert.equal(actual.length, expected.length, `${what}: count`);
  for (let index = 0; index < actual.length; index++) {
    const allowed = tolerance * Math.max(1, Math.abs(expected[index]));
    assert(
      Math.abs(actual[index] - expected[index]) <= allowed,
      `${what}[${index}]: expected ${expected[index]}, got ${actual[index]}`,
    );
  }
}
