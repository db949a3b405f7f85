/** Twelve steps of every optimizer against Keras itself (tests/golden), on every device. */
import assert from "node:assert/strict";
import { lastValueFrom } from "rxjs";
import {
  arrays,
  backward,
  type DeviceOptions,
  epochs,
  forward,
  type Layer,
  type Loss,
  loss as lossStage,
  miniBatches,
  type Optimizer,
  sequential,
  update,
} from "../../../mod.ts";
import { evaluateReference } from "../../../core/cpu/reference.ts";
import { stateLeaf } from "../../../core/graph/leaf.ts";
import * as nn from "../../../core/nn/mod.ts";
import { concat, mul, reshape, sum } from "../../../core/ops/mod.ts";
import { testOnDevices } from "../../devices.ts";
import optimizersJson from "../../golden/keras_optimizers.json" with { type: "json" };
import { assertClose } from "./close.ts";
import { array, TestContext } from "./context.ts";
import type { GoldenTensor } from "./golden.ts";
import { startSlots } from "./slots.ts";

const { initial, gradients, cases } = optimizersJson as unknown as {
  initial: Record<string, GoldenTensor>;
  gradients: number[][];
  cases: Record<
    string,
    { options: Record<string, unknown>; weights: number[][]; evaluation?: number[] }
  >;
};

/** The part of all elements that is a weight's. */
function partOf(name: string): [start: number, end: number] {
  let start = 0;
  for (const [other, { data }] of Object.entries(initial)) {
    if (other === name) return [start, start + data.length];
    start += data.length;
  }
  throw new Error(name);
}

function make(name: string): Optimizer {
  const factories = nn as unknown as Record<string, (options: unknown) => Optimizer>;
  return factories[name.split("_")[0]](cases[name].options);
}

/** A weight after each step, in float64, and what it is evaluated with in the end. */
function steps(optimizer: Optimizer, name: string) {
  const { shape, data } = initial[name];
  const [start, end] = partOf(name);
  const context = new TestContext();
  const [weight, gradient] = [stateLeaf(name, shape), stateLeaf("gradient", shape)];
  const { slots, state } = startSlots(optimizer, { name, shape }, data);
  state.set(weight, array(shape, data));
  const updated = optimizer.apply(weight, gradient, slots, context);
  const slotNames = Object.keys(slots);
  const outputs = [updated.parameter, ...slotNames.map((slot) => updated.slots[slot])];
  const weights = gradients.map((given, step) => {
    const bindings = new Map([...state, ...context.bindings(step)]);
    bindings.set(gradient, array(shape, given.slice(start, end)));
    const [value, ...rest] = evaluateReference(outputs, bindings);
    state.set(weight, value);
    slotNames.forEach((slot, place) => state.set(slots[slot], rest[place]));
    return value.data;
  });
  const evaluated = optimizer.evaluationWeight?.(weight, slots) ?? weight;
  return { weights, evaluated: evaluateReference([evaluated], state)[0].data };
}

for (const [name, { weights, evaluation }] of Object.entries(cases)) {
  Deno.test(`optimizer ${name} takes Keras's twelve steps`, () => {
    for (const weight of Object.keys(initial)) {
      const [start, end] = partOf(weight);
      const taken = steps(make(name), weight);
      weights.forEach((expected, step) =>
        assertClose(
          taken.weights[step],
          expected.slice(start, end),
          1e-9,
          `${weight}, step ${step + 1}`,
        )
      );
      if (!evaluation) continue;
      assertClose(taken.evaluated, evaluation.slice(start, end), 1e-9, `${weight}, evaluated`);
    }
  });
}

/** A layer whose sum of outputs has the inputs as gradients of its weights. */
const weighing: Layer = {
  type: "Weighing",
  name: "weighing",
  inputShape: [gradients[0].length],
  init: (inputShape) => ({
    outputShape: inputShape,
    parameters: Object.entries(initial).map(([name, { shape, data }]) => ({
      name,
      shape,
      values: Float32Array.from(data),
      trainable: true,
    })),
  }),
  apply: (parameters, x) => {
    const weights = Object.keys(initial).map((name) => reshape(parameters[name], [-1]));
    return mul(x, concat(weights, 0));
  },
};

const total: Loss = { name: "total", apply: (_targets, outputs) => sum(outputs, 1) };

async function train(optimizer: Optimizer, device: DeviceOptions) {
  const model = sequential([weighing]);
  const data = arrays(gradients, gradients.map(() => [0]));
  const pipe = miniBatches(data, { batchSize: 1, shuffle: false, ...device }).pipe(
    forward(model),
    lossStage(total),
    backward(),
    update(optimizer),
    epochs({ validation: data }),
  );
  const { logs } = await lastValueFrom(pipe);
  return { weights: model.parameters.flatMap(({ value }) => [...value]), logs };
}

await testOnDevices("optimizers take Keras's steps in float32", async (device) => {
  for (const [name, { weights, evaluation }] of Object.entries(cases)) {
    const trained = await train(make(name), device);
    assertClose(trained.weights, weights[weights.length - 1], 2e-5, name);
    if (!evaluation && name.startsWith("scheduleFree")) continue;
    // The loss of validation is Σ gradient · weight, of the weights for evaluation.
    const judged = evaluation ?? weights[weights.length - 1];
    const losses = gradients.map((row) => row.reduce((all, x, at) => all + x * judged[at], 0));
    const mean = losses.reduce((all, value) => all + value) / losses.length;
    assertClose([logsOf(trained.logs)], [mean], 1e-4, `${name}, validation`);
  }
});

function logsOf(logs: Readonly<Record<string, unknown>>): number {
  assert.equal(typeof logs.val_loss, "number");
  return logs.val_loss as number;
}
