import assert from "node:assert/strict";
import { BehaviorSubject, of } from "rxjs";
import {
  checkCount,
  checkScalar,
  checkScalarSource,
  hyperparameter,
  Parameter,
} from "../../../core/nn/mod.ts";

Deno.test("a hyperparameter has a value and is the stream of its changes", () => {
  const rate = hyperparameter(0.3);
  const seen: number[] = [];
  const subscription = rate.subscribe((value) => seen.push(value));
  rate.next(0.2);
  subscription.unsubscribe();
  rate.next(0.1);
  assert.deepEqual(seen, [0.3, 0.2]);
  assert.equal(rate.value, 0.1);
  assert(rate instanceof BehaviorSubject);
});

Deno.test("a stream that drives a hyperparameter ends, and others go on changing it", () => {
  const rate = hyperparameter(0.3);
  const seen: number[] = [];
  rate.subscribe((value) => seen.push(value));
  of(0.1, 0.2).subscribe(rate);
  rate.next(0.05);
  assert.deepEqual(seen, [0.3, 0.1, 0.2, 0.05]);
  // As the next run does.
  rate.subscribe((value) => seen.push(value));
  assert.equal(seen.at(-1), 0.05);
  assert.equal(seen.length, 5);
});

for (const bad of [NaN, Infinity, "0.1", null, undefined, {}]) {
  Deno.test(`a hyperparameter refuses ${String(bad)}, and keeps its value`, () => {
    assert.throws(() => hyperparameter(bad as number), RangeError);
    const rate = hyperparameter(0.3, { name: "rate" });
    assert.throws(() => rate.next(bad as number), /Cannot use rate as it must be a finite number/);
    assert.equal(rate.value, 0.3);
  });
}

Deno.test("checkScalar names the range and what was received", () => {
  assert.throws(() => checkScalar("x", 2, { maximum: 1 }), {
    message: "Cannot use x as it must be a finite number of at most 1: received 2",
  });
  assert.throws(() => checkScalar("x", "1" as unknown as number), {
    message: 'Cannot use x as it must be a finite number: received "1"',
  });
});

Deno.test("checkCount takes whole numbers from its minimum", () => {
  assert.equal(checkCount("n", 0), 0);
  for (const bad of [-1, 0.5, NaN, 2 ** 53, "3" as unknown as number]) {
    assert.throws(() => checkCount("n", bad), /Cannot use n as it must be a whole number from 0/);
  }
});

Deno.test("checkScalarSource takes numbers, functions and streams, and nothing else", () => {
  const sources = [1, hyperparameter(1), of(1, 2), (iteration: number) => iteration];
  for (const source of sources) assert.equal(checkScalarSource("x", source), source);
  for (const bad of ["1", null, undefined, { value: 1 }]) {
    assert.throws(() => checkScalarSource("x", bad as unknown as number), TypeError);
  }
});

Deno.test("a parameter copies its values, counts its changes and refuses another size", () => {
  const given = [1, 2];
  const parameter = new Parameter({ name: "dense_1/bias", shape: [2], values: given });
  assert.deepEqual([parameter.trainable, parameter.size, parameter.version], [true, 2, 0]);
  parameter.set([3, 4]);
  assert.deepEqual([...parameter.value, parameter.version], [3, 4, 1]);
  assert.deepEqual(given, [1, 2]);
  assert.throws(() => parameter.set([1, 2, 3]), {
    name: "ShapeError",
    message: "Cannot set the parameter dense_1/bias as it has 2 elements of shape [2]: received 3",
  });
  assert.equal(parameter.version, 1);
});
