import assert from "node:assert/strict";
import fc from "fast-check";
import { choice, type Dimension, float, integer, when } from "../../../core/search/mod.ts";
import { checkSpace, chooseValues, describeSpace } from "../../../core/search/space.ts";
import type { SearchParameters, Space } from "../../../core/search/mod.ts";

const shares = Array.from({ length: 1000 }, (_, place) => place / 1000);
/** How often each value stands at evenly spread places. */
function counts(dimension: Dimension<unknown>): Map<unknown, number> {
  const found = new Map<unknown, number>();
  for (const share of shares) {
    const value = dimension.at(share);
    found.set(value, (found.get(value) ?? 0) + 1);
  }
  return found;
}

Deno.test("places of a float are spread evenly, or by their logarithm", () => {
  assert.equal(float(-10, 30).at(0), -10);
  assert.equal(float(-10, 30).at(0.25), 0);
  for (const share of shares) {
    const expected = 1e-4 * 1e4 ** share;
    const value = float(1e-4, 1, { log: true }).at(share);
    assert.ok(Math.abs(value / expected - 1) < 1e-12, `${value} at ${share}`);
  }
});

Deno.test("each number of a step, each integer and each choice has the same share", () => {
  const table: [Dimension<unknown>, unknown[]][] = [
    [float(0, 0.3, { step: 0.1 }), [0, 0.1, 0.2, 0.3]],
    [float(0, 1, { step: 0.4 }), [0, 0.4, 0.8]],
    [integer(-2, 2), [-2, -1, 0, 1, 2]],
    [integer(10, 35, { step: 10 }), [10, 20, 30]],
    [choice("a", 1, true, null), ["a", 1, true, null]],
    [integer(7, 7), [7]],
  ];
  for (const [dimension, values] of table) {
    const found = counts(dimension);
    assert.deepEqual([...found.keys()], values);
    for (const [value, count] of found) {
      assert.ok(Math.abs(count - 1000 / values.length) <= 1, `${value}: ${count}`);
    }
  }
});

Deno.test("integers by their logarithm have the share of the step around them", () => {
  const found = counts(integer(1, 8, { log: true }));
  const width = Math.log(8.5 / 0.5);
  for (let value = 1; value <= 8; value++) {
    const expected = 1000 * Math.log((value + 0.5) / (value - 0.5)) / width;
    assert.ok(Math.abs(found.get(value)! - expected) <= 2, `${value}: ${found.get(value)}`);
  }
});

Deno.test("values never leave their range", () => {
  const bounds = fc.tuple(
    fc.double({ min: 1e-6, max: 1e6, noNaN: true }),
    fc.double({ min: 1e-6, max: 1e6, noNaN: true }),
  ).map(([a, b]) => [Math.min(a, b), Math.max(a, b)]);
  fc.assert(fc.property(
    bounds,
    fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }),
    fc.boolean(),
    ([low, high], share, log) => {
      const value = float(low, high, { log }).at(share);
      assert.ok(value >= low && value <= high, `${value}`);
      const [first, last] = [Math.ceil(low), Math.ceil(high)];
      const whole = integer(first, last, { log }).at(share);
      assert.ok(Number.isInteger(whole) && whole >= first && whole <= last, `${whole}`);
    },
  ));
});

Deno.test("dimensions that cannot be are refused", () => {
  const table: [() => unknown, RegExp][] = [
    [() => float(2, 1), /low must be at most high: received 2 and 1/],
    [() => float(0, 1, { log: true }), /the low of float .*: received 0/],
    [() => float(NaN, 1), /the low of float .*: received NaN/],
    [() => float(0, Infinity), /the high of float .*: received Infinity/],
    [() => float(0, 1, { step: 0 }), /the step of float .*: received 0/],
    [() => float(1, 2, { step: 0.5, log: true }), /both log and step/],
    [() => integer(0.5, 2), /integer with a bound or step of 0.5/],
    [() => integer(0, 2, { log: true }), /the low of integer .*: received 0/],
    [() => integer(1, 9, { log: true, step: 2 }), /both log and a step/],
    [() => integer(1, 9, { step: 0 }), /the step of integer .*: received 0/],
    [() => choice(), /choice without values/],
    [() => choice("a", "b", "a"), /must differ: received \["a","b","a"\]/],
    [() => choice(NaN), /a value of choice .*: received NaN/],
    [() => choice([] as never), /choice with \[\]/],
    [() => when({}, float(0, 1)), /when without a condition/],
    [() => when({ a: 1 }, when({ b: 1 }, float(0, 1))), /when inside of when/],
  ];
  for (const [make, message] of table) assert.throws(make, { name: "RangeError", message });
});

const nested = {
  layers: integer(1, 3),
  optimizer: choice("sgd", "adam"),
  momentum: when({ optimizer: "sgd" }, float(0, 0.99)),
  nesterov: when({ momentum: [] }, choice(true, false)),
  second: when({ layers: [2, 3] }, integer(8, 64)),
  third: when({ layers: 3, optimizer: "adam" }, integer(8, 64)),
};
const { nesterov: _, ...space } = nested;

Deno.test("a parameter is there when its condition holds", () => {
  const names = (layers: number, optimizer: string) =>
    Object.keys(chooseValues(space, (name) => ({ layers, optimizer })[name] ?? 1));
  assert.deepEqual(names(1, "sgd"), ["layers", "optimizer", "momentum"]);
  assert.deepEqual(names(2, "adam"), ["layers", "optimizer", "second"]);
  assert.deepEqual(names(3, "adam"), ["layers", "optimizer", "second", "third"]);
  assert.deepEqual(names(3, "sgd"), ["layers", "optimizer", "momentum", "second"]);
  const chain = {
    a: choice(1, 2),
    b: when({ a: 2 }, choice(1, 2)),
    c: when({ b: 2 }, choice(1, 2)),
  };
  assert.deepEqual(chooseValues(chain, (name) => ({ a: 1 })[name] ?? 2), { a: 1 });
});

Deno.test("conditions that never hold are refused", () => {
  const a = choice("x", "y");
  const table: [Parameters<typeof checkSpace>[0], RegExp][] = [
    [{}, /a space without dimensions/],
    [{ b: when({ a: "x" }, a), a }, /"b" .* stands before it \(there is none\): received "a"/],
    [{ a, b: when({ c: "x" }, a) }, /stands before it \(a\): received "c"/],
    [{ a, b: when({ a: "z" }, a) }, /"b" as "a" is never "z"/],
    [{ a, b: when({ a: ["x", "z"] }, a) }, /"b" as "a" is never "z"/],
    [{ a: integer(1, 3), b: when({ a: 4 }, a) }, /never 4/],
    [{ a: integer(1, 5, { step: 2 }), b: when({ a: 2 }, a) }, /never 2/],
    [{ a: integer(1, 5, { log: true }), b: when({ a: 6 }, a) }, /never 6/],
    [{ a: float(1, 5), b: when({ a: 2 }, a) }, /never 2/],
    [nested, /"nesterov" as "momentum" is never one of no values/],
  ];
  for (const [wrong, message] of table) {
    assert.throws(() => checkSpace(wrong), { name: "RangeError", message });
  }
  checkSpace(space);
});

Deno.test("spaces are told apart by names, ranges and conditions", () => {
  const spaces: Space[] = [
    { a: float(0, 1) },
    { b: float(0, 1) },
    { a: float(0, 2) },
    { a: float(0, 1, { step: 0.5 }) },
    { a: integer(0, 1) },
    { a: choice(0, 1) },
    { a: choice(0, 1), b: choice(0, 1) },
    { a: choice(0, 1), b: when({ a: 1 }, choice(0, 1)) },
  ];
  const texts = spaces.map(describeSpace);
  assert.equal(new Set(texts).size, texts.length);
  assert.equal(describeSpace({ a: float(0, 1) }), texts[0]);
});

Deno.test("the compiler knows the parameters", () => {
  type Found = SearchParameters<typeof space>;
  const found: Found = { layers: 2, optimizer: "sgd", momentum: 0.5, second: 9, third: undefined };
  assert.equal(found.optimizer, "sgd");
  // @ts-expect-error: no such optimizer
  const wrong: Found = { ...found, optimizer: "rmsprop" };
  // @ts-expect-error: it may be undefined
  const momentum: number = found.momentum;
  // @ts-expect-error: no such parameter
  found.fourth;
  void [wrong, momentum];
});
