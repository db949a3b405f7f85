/** States of recurrent layers that are given to them, and that they give: against PyTorch, in models. */
import assert from "node:assert/strict";
import { lastValueFrom, toArray } from "rxjs";
import * as nn from "../../../core/nn/mod.ts";
import { concat, gradients, greater, reshape, tensor } from "../../../core/ops/mod.ts";
import { fit, predict } from "../../../core/stream/mod.ts";
import golden from "../../golden/recurrent.json" with { type: "json" };
import { evaluateOn, testOnDevices } from "../../devices.ts";
import { assertClose } from "./close.ts";
import { TestContext, valuesOf } from "./context.ts";
import { goldenLeaf, type GoldenTensor } from "./golden.ts";

interface Case {
  layer: "lstm";
  arguments: [number, nn.LstmOptions & { returnState: true }];
  inputs: GoldenTensor[];
  mask?: GoldenTensor;
  weights: Record<string, GoldenTensor>;
  upstream: Record<keyof nn.LstmOutputs, GoldenTensor>;
  outputs: Record<keyof nn.LstmOutputs, GoldenTensor>;
  gradients: Record<string, GoldenTensor>;
}

const cases = Object.entries(golden.states as unknown as Record<string, Case>);
const key = nn.namedKey(1, "layer");

await testOnDevices(
  "states given and returned are PyTorch's, and so are gradients",
  async (device) => {
    // All in one plan: one by one, a GPU would compile for minutes.
    const made = cases.map(([name, given]) => {
      const inputs = given.inputs.map(goldenLeaf);
      const weights = Object.fromEntries(
        Object.entries(given.weights).map(([role, value]) => [role, goldenLeaf(value)]),
      );
      const context = new TestContext(true);
      context.masks = inputs.map((_, place) =>
        place === 0 && given.mask ? greater(goldenLeaf(given.mask), 0) : undefined
      );
      const layer = nn[given.layer](...given.arguments);
      const { outputShape } = layer.init(inputs.map(({ shape }) => shape.slice(1)), key);
      const outputs: Partial<Record<string, ReturnType<typeof goldenLeaf>>> = layer.apply(
        weights,
        inputs,
        context,
      );
      const names = Object.keys(given.outputs) as (keyof nn.LstmOutputs)[];
      assert.deepEqual(layer.outputNames, names);
      assert.deepEqual(
        Object.entries(outputShape),
        names.map((output) => [output, given.outputs[output].shape.slice(1)]),
      );
      const flat = (tensors: readonly ReturnType<typeof goldenLeaf>[]) =>
        concat(tensors.map((one) => reshape(one, [one.size])));
      const all = names.map((output) => outputs[output]!);
      const slopes = gradients(
        flat(all),
        [inputs[0], ...Object.values(weights), ...inputs.slice(1)],
        flat(names.map((output) => goldenLeaf(given.upstream[output]))),
      );
      return { name, given, names, tensors: [...all, ...slopes] };
    });
    const found = await evaluateOn(device, made.flatMap(({ tensors }) => tensors));
    for (const { name, given, names, tensors } of made) {
      const values = found.splice(0, tensors.length);
      names.forEach((output, place) =>
        assertClose(values[place], given.outputs[output].data, 1e-5, `${name}, ${output}`)
      );
      Object.entries(given.gradients).forEach(([role, { data }], place) =>
        assertClose(values[names.length + place], data, 5e-5, `${name}, gradient of ${role}`)
      );
    }
  },
);

/** Reads numbers, and says them again from the states alone. */
function echo() {
  const [heard, said] = [nn.input([5, 2]), nn.input([4, 3])];
  const { h, c } = nn.connect(heard, nn.lstm(6, { name: "reader", returnState: true }));
  const writer = nn.lstm(6, { returnSequences: true, name: "writer" });
  const spoken = nn.connect([said, h, c], writer, nn.dense(2));
  return nn.functional({ inputs: { heard, said }, outputs: { spoken, thought: h }, seed: 4 });
}

function numbers(shape: number[], seed: number) {
  const size = shape.reduce((product, one) => product * one);
  return { data: Float32Array.from({ length: size }, (_, i) => Math.sin(i * i + seed)), shape };
}

const data = {
  x: { heard: numbers([24, 5, 2], 1), said: numbers([24, 4, 3], 2) },
  y: { spoken: numbers([24, 4, 2], 3), thought: numbers([24, 6], 4) },
};

async function trained(device: object) {
  const model = echo();
  const training = fit(model, data, {
    loss: { spoken: nn.meanSquaredError(), thought: nn.meanSquaredError() },
    optimizer: nn.adam({ learningRate: 0.02 }),
    epochs: 12,
    batchSize: 8,
    ...device,
  });
  const logs = (await lastValueFrom(training.pipe(toArray()))).map(({ logs }) => logs.loss);
  return { logs, ...await predict(model, data.x, device) };
}

let reference: ReturnType<typeof trained> | undefined;

await testOnDevices("a decoder that begins with an encoder's states learns", async (device) => {
  const { logs, spoken } = await trained(device);
  const expected = await (reference ??= trained({ device: "reference" }));
  assert(logs[11] < 0.9 * logs[0], `${logs}`);
  // 36 steps, well past the first replay.
  assertClose(logs, expected.logs, 2e-3);
  assertClose(spoken.data, expected.spoken.data, 2e-2);
});

Deno.test("a model with returned states goes to JSON and back, and has a summary", () => {
  const model = echo();
  const text = nn.modelToJson(model);
  const again = nn.modelFromJson(text) as unknown as typeof model;
  assert.equal(nn.modelToJson(again), text);
  assert.deepEqual(again.outputShape, { spoken: [4, 2], thought: [6] });
  assert.deepEqual([...again.weights.keys()], [...model.weights.keys()]);
  const lines = nn.summary(model).split("\n");
  const writer = lines.find((line) => line.includes("writer (LSTM)"))!;
  assert(writer.includes("said[0][0], reader[0][1], reader[0][2]"), writer);
  assert(lines.some((line) => line.includes("[(None, 6), (None, 6), (None, 6)]")));
});

await testOnDevices("both directions have states of their own", async (device) => {
  const [x, ...begin] = [[3, 4, 2], [3, 5], [3, 5], [3, 5], [3, 5]].map((shape, seed) =>
    tensor(numbers(shape, seed).data, { shape })
  );
  const mask = greater(tensor([[1, 1, 1, 1], [1, 1, 0, 0], [0, 1, 1, 1]]), 0);
  const options = { returnState: true, returnSequences: true } as const;
  const both = nn.bidirectional(nn.lstm(5, options));
  const shapes = [x, ...begin].map(({ shape }) => shape.slice(1));
  const { outputShape, parameters } = both.init(shapes, key);
  assert.deepEqual(outputShape, {
    ...{ outputs: [4, 10], forwardH: [5], forwardC: [5], backwardH: [5], backwardC: [5] },
  });
  assert.deepEqual(both.outputNames, Object.keys(outputShape));
  const weights = Object.fromEntries(
    parameters.map(({ name, shape }, place) => [
      name,
      tensor(numbers([...shape], place).data, { shape }),
    ]),
  );
  const context = new TestContext(true);
  context.masks = [mask];
  const made = both.apply(weights, [x, ...begin], context);
  const ways = (["forward", "backward"] as const).map((way, place) => {
    const layer = nn.lstm(5, { ...options, goBackwards: place === 1 });
    const own = Object.fromEntries(
      ["kernel", "recurrent_kernel", "bias"].map((role) => [role, weights[`${way}_${role}`]]),
    );
    return layer.apply(own, [x, ...begin.slice(2 * place, 2 * place + 2)], context);
  });
  const [outputs, fh, fc, bh, bc, forward, h, c, backward, h2, c2] = await evaluateOn(device, [
    ...Object.values(made),
    ...ways.flatMap((way) => [way.outputs, way.h, way.c]),
  ]);
  [[fh, h], [fc, c], [bh, h2], [bc, c2]].forEach(([one, other]) => assertClose(one, other, 1e-6));
  const [all, there, back] = [outputs, forward, backward].map((
    values,
  ) => [...values as Float32Array]);
  for (let step = 0; step < 12; step++) {
    const turned = Math.floor(step / 4) * 4 + 3 - step % 4;
    const expected = [
      ...there.slice(5 * step, 5 * step + 5),
      ...back.slice(5 * turned, 5 * turned + 5),
    ];
    assertClose(all.slice(10 * step, 10 * step + 10), expected, 1e-6);
  }
  const text = nn.modelToJson(around(both));
  assert.equal(nn.modelToJson(nn.modelFromJson(text)), text);
});

Deno.test("with mergeMode null both directions are outputs of their own", () => {
  const x = tensor(numbers([3, 4, 2], 1).data, { shape: [3, 4, 2] });
  const mask = greater(tensor([[1, 1, 1, 1], [1, 1, 0, 0], [0, 1, 1, 1]]), 0);
  const options = { returnState: true, returnSequences: true } as const;
  const joined = nn.bidirectional(nn.gru(5, options));
  const apart = nn.bidirectional(nn.gru(5, options), { mergeMode: null });
  const { parameters } = joined.init([[4, 2]], key);
  const { outputShape } = apart.init([[4, 2]], key);
  assert.deepEqual(outputShape, {
    ...{ forward: [4, 5], backward: [4, 5], forwardH: [5], backwardH: [5] },
  });
  const weights = Object.fromEntries(
    parameters.map(({ name, shape, values }) => [name, tensor(values, { shape })]),
  );
  const context = new TestContext(true);
  context.masks = [mask];
  const [one, two] = [joined.apply(weights, [x], context), apart.apply(weights, [x], context)];
  const { forward, backward, forwardH, backwardH } = two;
  const side = valuesOf(concat([forward, backward], 2));
  assert.deepEqual(side, valuesOf(one.outputs));
  assert.deepEqual(valuesOf(forwardH), valuesOf(one.forwardH));
  assert.deepEqual(valuesOf(backwardH), valuesOf(one.backwardH));
  assert.deepEqual(apart.computeMask!([x], [mask]), {
    ...{ forward: mask, backward: mask },
  });

  const input = nn.input([4, 2]);
  const ways = nn.connect(input, nn.bidirectional(nn.lstm(3), { mergeMode: null }));
  const model = nn.functional({ inputs: input, outputs: { ...ways } });
  assert.deepEqual(model.outputShape, { forward: [3], backward: [3] });
  const text = nn.modelToJson(model);
  assert.equal(nn.modelToJson(nn.modelFromJson(text)), text);
  assert.throws(
    () => nn.bidirectional(nn.lstm(3), { mergeMode: "max" as "sum" }),
    /one of concat, sum, mul, ave, or null: received "max"/,
  );
});

function around(both: nn.LoneMergeLayer<nn.BothDirections<nn.LstmOutputs>>) {
  const x = nn.input([4, 2]);
  const { forwardC, backwardH } = nn.connect(x, both);
  return nn.functional({ inputs: x, outputs: nn.connect([forwardC, backwardH], nn.concatenate()) });
}

Deno.test("a shared layer goes on from its own states, and a frozen one too", () => {
  const x = nn.input([3, 2]);
  const cell = nn.frozen(nn.gru(4, { returnState: true }));
  const first = nn.connect(x, cell);
  const second = nn.connect([x, first.h], cell);
  const model = nn.functional({ inputs: x, outputs: nn.connect(second.outputs, nn.dense(1)) });
  assert.deepEqual(model.trainableParameters.map(({ name }) => name), [
    "dense_1/kernel",
    "dense_1/bias",
  ]);
  assert.equal(model.definition.graph.calls.length, 3);
});

Deno.test("states that do not fit are refused, and layers that need one output say so", () => {
  const x = nn.input([3, 2]);
  const [four, five] = [nn.input([4]), nn.input([5])];
  const model = (inputs: readonly nn.ModelNode[], layer: nn.MergeLayer) =>
    nn.functional({
      inputs: Object.fromEntries(inputs.map((node, place) => [`i${place}`, node as nn.InputLayer])),
      outputs: nn.connect(inputs, layer),
    });
  assert.throws(
    () => model([x, four], nn.lstm(4)),
    /lstm_1: expected no states to begin with, or h and c behind the input, of \[4\] each: got \[4\]/,
  );
  assert.throws(
    () => model([x, five], nn.gru(4)),
    /gru_1: expected no states .* or h behind the input, of \[4\]: got \[5\]/,
  );
  const several = nn.gru(4, { returnState: true });
  assert.throws(
    () => model([x, four], nn.bidirectional(nn.gru(4))),
    /bidirectional_1: expected states for both directions, .* got 1 behind the input/,
  );
  assert.throws(
    () => model([x, four, five], nn.bidirectional(nn.gru(4))),
    /bidirectional_1: expected no states .* or h behind the input, of \[4\]: got \[5\]/,
  );
  assert.throws(
    () => nn.timeDistributed(several as unknown as nn.Layer),
    /timeDistributed .* \(leave returnState out\)/,
  );
  // @ts-expect-error: a stack takes layers of one output.
  assert.throws(() => nn.sequential([x, several, nn.dense(1)]));
  // @ts-expect-error: gru has no cells.
  assert.equal(nn.connect(x, several).c, undefined);
});
