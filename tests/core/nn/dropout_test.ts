import assert from "node:assert/strict";
import { evaluateReference } from "../../../core/cpu/reference.ts";
import {
  dropout,
  hyperparameter,
  input,
  type Layer,
  type ScalarSource,
  sequential,
} from "../../../core/nn/mod.ts";
import { gradients, tensor } from "../../../core/ops/mod.ts";
import { TestContext, valuesOf } from "./context.ts";

const x = tensor(Array.from({ length: 4000 }, (_, index) => index + 1), { shape: [4, 1000] });

/** Which units a layer keeps at a step. */
function mask(layer: Layer, { seed = 42, step = 0, name = "" } = {}): boolean[] {
  const context = new TestContext(true, seed);
  const model = sequential([input([1000]), { ...layer, name }]);
  return valuesOf(model.apply(new Map(), x, context), context.bindings(step)).map((y) => y !== 0);
}

for (const rate of [0.1, 0.3, 0.9]) {
  Deno.test(`dropout of ${rate} tosses out that part and scales what stays, forward and back`, () => {
    const context = new TestContext();
    const y = dropout(rate).apply({}, x, context);
    const [value, slope] = evaluateReference([y, ...gradients(y, [x])], context.bindings());
    let kept = 0;
    value.data.forEach((result, index) => {
      const scale = result === 0 ? 0 : 1 / (1 - rate);
      assert(Math.abs(result - (index + 1) * scale) < 1e-9 * (index + 1));
      assert(Math.abs(slope.data[index] - scale) < 1e-12, "the same mask in the backward pass");
      if (result !== 0) kept++;
    });
    // Five standard deviations of a binomial.
    assert(Math.abs(kept / 4000 - (1 - rate)) < 5 * Math.sqrt(rate * (1 - rate) / 4000), `${kept}`);
  });
}

Deno.test("dropout passes its inputs on in inference and at a constant rate of 0", () => {
  assert.equal(dropout(0.5).apply({}, x, new TestContext(false)), x);
  assert.equal(dropout(0).apply({}, x, new TestContext()), x);
});

const edges: [rate: number, factor: number][] = [[0, 1], [1, 0]];
for (const [rate, factor] of edges) {
  for (const source of [rate, hyperparameter(rate), () => rate] as ScalarSource[]) {
    Deno.test(`dropout of ${rate}, its source of type ${typeof source}, gives ${factor} x and no NaN`, () => {
      const context = new TestContext();
      const y = dropout(source).apply({}, x, context);
      const [value, slope] = evaluateReference([y, ...gradients(y, [x])], context.bindings());
      value.data.forEach((result, index) => assert.equal(result, (index + 1) * factor));
      slope.data.forEach((result) => assert.equal(result, factor));
    });
  }
}

Deno.test("the mask follows from seed, step and name alone", () => {
  const layer = dropout(0.5);
  assert.deepEqual(mask(layer), mask(layer));
  assert.deepEqual(mask(dropout(0.5)), mask(layer));
  assert.notDeepEqual(mask(layer, { seed: 43 }), mask(layer));
  assert.notDeepEqual(mask(layer, { step: 1 }), mask(layer));
  assert.notDeepEqual(mask(layer, { name: "other" }), mask(layer));
});

Deno.test("the option seed takes the place of the run's", () => {
  const layer = dropout(0.5, { seed: 7 });
  assert.deepEqual(mask(layer, { seed: 43, name: "other" }), mask(layer));
  assert.notDeepEqual(mask(layer, { step: 1 }), mask(layer));
  assert.notDeepEqual(mask(dropout(0.5, { seed: 8 })), mask(layer));
  assert.throws(() => dropout(0.5, { seed: -1 }), RangeError);
});

Deno.test("the rate changes between steps without another graph", () => {
  const rate = hyperparameter(0);
  const context = new TestContext();
  const layer = dropout(rate);
  const y = layer.apply({}, x, context);
  assert(valuesOf(y, context.bindings()).every((value) => value !== 0));
  rate.next(0.5);
  assert.equal(layer.apply({}, x, context), y);
  assert(valuesOf(y, context.bindings()).some((value) => value === 0));
});

for (const bad of [-0.1, 1.1, 30, NaN]) {
  Deno.test(`dropout refuses a rate of ${bad}, at once or as it comes`, () => {
    const message = new RegExp(`finite number from 0 to 1: received ${bad}`);
    assert.throws(() => dropout(bad), message);
    const context = new TestContext();
    dropout(() => bad).apply({}, x, context);
    assert.throws(() => context.bindings(), message);
  });
}
