// What every optimizer must keep: one line each.
import assert from "node:assert/strict";
import { evaluateReference } from "../../../core/cpu/reference.ts";
import { stateLeaf } from "../../../core/graph/leaf.ts";
import type { Tensor } from "../../../core/graph/tensor.ts";
import * as nn from "../../../core/nn/mod.ts";
import { array, TestContext } from "./context.ts";
import { startSlots } from "./slots.ts";

type Factory = (options?: { learningRate?: nn.ScalarSource; weightDecay?: number }) => nn.Optimizer;
// The rate is one that brings a weight from 1 towards 0 in a hundred steps.
const optimizers: [name: string, factory: Factory, rate?: number][] = [
  ["sgd", nn.sgd],
  ["sgd", (options) => nn.sgd({ momentum: 0.5, ...options })],
  ["sgd", (options) => nn.sgd({ momentum: 0.5, nesterov: true, ...options })],
  ["rmsprop", nn.rmsprop],
  ["rmsprop", (options) => nn.rmsprop({ momentum: 0.5, centered: true, ...options })],
  ["adam", nn.adam],
  ["adamw", nn.adamw],
  ["adam", (options) => nn.adam({ amsgrad: true, ...options })],
  ["adamax", nn.adamax],
  ["nadam", nn.nadam],
  ["adagrad", nn.adagrad, 0.5],
  ["adadelta", nn.adadelta, 50],
  ["adafactor", nn.adafactor],
  ["ftrl", nn.ftrl, 0.5],
  ["lion", nn.lion],
  ["lamb", nn.lamb],
  ["muon", nn.muon],
  ["schedule_free_adamw", nn.scheduleFreeAdamW],
];

for (const [name, factory, rate = 0.05] of optimizers) {
  const learningRate = nn.hyperparameter(rate);
  const optimizer = factory({ learningRate });
  const slotNames = Object.keys(optimizer.slots({ shape: [2] }));
  Deno.test(`optimizer ${name} with slots [${slotNames}] keeps the contract`, () => {
    assert.equal(optimizer.name, name);
    assert.equal(optimizer.learningRate, learningRate);
    for (const bad of [-1, NaN, Infinity, "0.1" as unknown as number]) {
      assert.throws(() => factory({ learningRate: bad }), /learningRate of \w+ as it must be a/);
      assert.throws(() => factory({ weightDecay: bad }), /weightDecay of \w+ as it must be a/);
    }
    const context = new TestContext();
    const shape = [2];
    const parameter = stateLeaf("w", shape);
    const gradient = stateLeaf("g", shape);
    const { slots } = startSlots(optimizer, { shape }, [1, 1]);
    const updated = optimizer.apply(parameter, gradient, slots, context);
    assert.deepEqual(Object.keys(updated.slots).sort(), slotNames.toSorted());
    const results = [updated.parameter, ...slotNames.map((slot) => updated.slots[slot])];
    for (const result of results) assert.deepEqual([result.shape, result.dtype], [shape, "f32"]);
    assert.equal(
      optimizer.apply(parameter, gradient, slots, context).parameter,
      updated.parameter,
      "applied again it is the same node",
    );
    assert.equal(
      factory({ learningRate, weightDecay: undefined }).apply(parameter, gradient, slots, context)
        .parameter,
      updated.parameter,
      "an option that is undefined is left out",
    );

    const leaves: Tensor[] = [parameter, ...slotNames.map((slot) => slots[slot])];
    const start = (values: number[]) => {
      const { state } = startSlots(optimizer, { shape }, values);
      return [values, ...[...state.values()].map(({ data }) => [...data])];
    };
    let state = start([1, 0]);
    const step = (index: number) => {
      const bindings = context.bindings(index);
      leaves.forEach((leaf, place) => bindings.set(leaf, array(shape, state[place])));
      bindings.set(gradient, array(shape, [2 * state[0][0], 0]));
      state = evaluateReference(results, bindings).map((result) => [...result.data]);
    };
    for (let index = 0; index < 100; index++) step(index);
    assert(Math.abs(state[0][0]) < 0.2, `w² is made smaller: ${state[0][0]}`);
    assert.equal(state[0][1], 0, "a weight of 0 without gradient stays");
    // The number is data of the step, not part of the graph.
    state = start([1, 1]);
    learningRate.next(0);
    step(100);
    assert.equal(state[0][0], 1, "a learning rate of 0 holds the weight");
    learningRate.next(rate);
    step(101);
    assert(state[0][0] < 1, "and it moves again");
  });
}
