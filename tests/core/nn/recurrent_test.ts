/** Embedding and recurrent layers against PyTorch: shapes, outputs and gradients, on every device. */
import assert from "node:assert/strict";
import { gradients, greater, tensor } from "../../../core/ops/mod.ts";
import * as nn from "../../../core/nn/mod.ts";
import golden from "../../golden/recurrent.json" with { type: "json" };
import { evaluateOn, testOnDevices } from "../../devices.ts";
import { assertClose } from "./close.ts";
import { TestContext, valuesOf } from "./context.ts";
import { goldenLeaf, type GoldenTensor } from "./golden.ts";

interface Case {
  layer: "lstm";
  inner?: ["lstm", ...Parameters<typeof nn.lstm>];
  arguments: Parameters<typeof nn.lstm>;
  input: GoldenTensor;
  mask?: GoldenTensor;
  weights: Record<string, GoldenTensor>;
  upstream: GoldenTensor;
  output: GoldenTensor;
  gradients: Record<string, GoldenTensor>;
}

function layerOf({ layer, inner, arguments: given }: Case): nn.Layer {
  if (!inner) return nn[layer](...given) as nn.RecurrentLayer;
  const [name, ...parts] = inner;
  const within = nn[name](...parts) as nn.RecurrentLayer;
  const { mergeMode } = given[0] as { mergeMode?: nn.BidirectionalMerge };
  return nn.bidirectional(within, { mergeMode });
}

const cases = Object.entries(golden.cases as unknown as Record<string, Case>).map(
  ([name, given]) => ({ name, given, layer: layerOf(given) }),
);
const key = nn.namedKey(1, "layer");

for (const { name, given, layer } of cases) {
  Deno.test(`${name} makes outputs and weights of PyTorch's shapes`, () => {
    const made = layer.init(given.input.shape.slice(1), key);
    assert.deepEqual(made.outputShape, given.output.shape.slice(1));
    const shapes = Object.fromEntries(made.parameters.map(({ name, shape }) => [name, shape]));
    const expected = Object.entries(given.weights).map(([role, { shape }]) => [role, shape]);
    assert.deepEqual(shapes, Object.fromEntries(expected));
  });
}

await testOnDevices(
  "embedding and recurrent layers give PyTorch's outputs and gradients",
  async (device) => {
    // All in one plan: one by one, a GPU would compile for minutes.
    const made = cases.map(({ name, given, layer }) => {
      const x = goldenLeaf(given.input);
      const weights = Object.fromEntries(
        Object.entries(given.weights).map(([role, value]) => [role, goldenLeaf(value)]),
      );
      const context = new TestContext(true);
      if (given.mask) context.masks = [greater(goldenLeaf(given.mask), 0)];
      const y = layer.apply(weights, x, context);
      const roles = Object.keys(given.gradients);
      const sources = roles.map((role) => role === "input" ? x : weights[role]);
      return {
        name,
        given,
        roles,
        tensors: [y, ...gradients(y, sources, goldenLeaf(given.upstream))],
      };
    });
    const found = await evaluateOn(device, made.flatMap(({ tensors }) => tensors));
    for (const { name, given, roles, tensors } of made) {
      const [output, ...slopes] = found.splice(0, tensors.length);
      assertClose(output, given.output.data, 1e-5, `${name}, output`);
      roles.forEach((role, place) =>
        assertClose(slopes[place], given.gradients[role].data, 5e-5, `${name}, gradient of ${role}`)
      );
    }
  },
);

await testOnDevices(
  "a layer of more units than a workgroup has threads is right",
  async (device) => {
    const numbers = (size: number, shape: number[]) =>
      tensor(Float32Array.from({ length: size }, (_, i) => Math.sin(i * i) / 8), { shape });
    const layers = [nn.lstm(300), nn.gru(300), nn.gru(300, { resetAfter: false })];
    const outputs = layers.flatMap((layer) => {
      const made = layer.init([3, 5], key);
      const weights = Object.fromEntries(
        made.parameters.map(({ name, shape, values }) => [name, tensor(values, { shape })]),
      );
      const x = numbers(30, [2, 3, 5]);
      const y = layer.apply(weights, x, new TestContext(true));
      return [y, ...gradients(y.square().sum(), [x, weights.recurrent_kernel])];
    });
    const expected = await evaluateOn({ device: "reference" }, outputs);
    (await evaluateOn(device, outputs)).forEach((values, place) =>
      assertClose(values, expected[place], 2e-5, `output ${place}`)
    );
  },
);

Deno.test("recurrent layers start as Keras's", () => {
  const weights = (layer: nn.Layer) =>
    Object.fromEntries(layer.init([4, 3], key).parameters.map((made) => [made.name, made]));
  const { recurrent_kernel, bias } = weights(nn.lstm(5));
  assert.deepEqual([...bias.values], [0, 1, 0, 0].flatMap((value) => Array(5).fill(value)));
  // Rows at right angles, of length 1.
  for (let a = 0; a < 5; a++) {
    for (let b = 0; b < 5; b++) {
      const row = (at: number) => recurrent_kernel.values.subarray(at * 20, (at + 1) * 20);
      const dot = row(a).reduce((sum, value, i) => sum + value * row(b)[i], 0);
      assert(Math.abs(dot - Number(a === b)) < 1e-5);
    }
  }
  assert(weights(nn.lstm(5, { unitForgetBias: false })).bias.values.every((value) => value === 0));
  const { embeddings } = Object.fromEntries(
    nn.embedding(100, 9).init([4], key).parameters.map((made) => [made.name, made]),
  );
  assert(embeddings.values.every((value) => Math.abs(value) <= 0.05));
  assert(embeddings.values.some((value) => Math.abs(value) > 0.04));
});

Deno.test("dropout tosses the same features out at all steps of a sample, in training alone", () => {
  const [batch, steps, features] = [6, 4, 8];
  // Its outputs are its inputs.
  const layer = nn.simpleRnn(features, {
    activation: "linear",
    useBias: false,
    returnSequences: true,
    dropout: nn.hyperparameter(0.5),
  });
  const weights = {
    kernel: tensor(
      Array.from(
        { length: features },
        (_, i) => Array.from({ length: features }, (_, j) => Number(i === j)),
      ),
    ),
    recurrent_kernel: tensor(Array.from({ length: features }, () => Array(features).fill(0))),
  };
  const x = tensor(
    Float32Array.from({ length: batch * steps * features }, (_, place) => 1 + place / 64),
    { shape: [batch, steps, features] },
  );
  const apply = (training: boolean, step: number) => {
    const context = new TestContext(training);
    return valuesOf(layer.apply(weights, x, context), context.bindings(step));
  };
  const given = valuesOf(x);
  assert.deepEqual(apply(false, 0), given);
  const found = apply(true, 0);
  const kept = found.map((value) => value !== 0);
  found.forEach((value, place) => {
    const first = Math.floor(place / (steps * features)) * steps * features + place % features;
    assert.equal(kept[place], kept[first], "all steps share their fate");
    assertClose([value], [kept[place] ? 2 * given[place] : 0], 1e-6);
  });
  const share = kept.filter(Boolean).length / kept.length;
  assert(share > 0.25 && share < 0.75, `${share}`);
  assert.notDeepEqual(
    kept.slice(0, features),
    kept.slice(steps * features, (steps + 1) * features),
  );
  assert.notDeepEqual(apply(true, 1), found, "another step, another mask");
  assert.throws(() => nn.gru(4, { dropout: 1.5 }), /the dropout of gru .*from 0 to 1/);
});

Deno.test("zeroOutputForMask: what is padding gives zeros, in the order of the outputs", () => {
  const x = tensor(Float32Array.from({ length: 24 }, (_, i) => Math.sin(i)), { shape: [2, 4, 3] });
  const mask = [1, 0, 1, 0, 0, 0, 1, 1];
  for (const goBackwards of [false, true]) {
    const outputs = (zeroOutputForMask: boolean) => {
      const layer = nn.lstm(2, { returnSequences: true, goBackwards, zeroOutputForMask });
      const weights = Object.fromEntries(
        layer.init([4, 3], key).parameters.map(({ name, shape, values }) => [
          name,
          tensor(values, { shape }),
        ]),
      );
      const context = new TestContext(true);
      context.masks = [tensor(mask, { shape: [2, 4] }).greater(0)];
      return valuesOf(layer.apply(weights, x, context));
    };
    const plain = outputs(false);
    assert(plain.some((value, place) => value !== 0 && !mask[Math.floor(place / 2)]));
    assertClose(
      outputs(true),
      plain.map((value, place) => {
        const [row, step] = [Math.floor(place / 8), Math.floor(place / 2) % 4];
        return mask[4 * row + (goBackwards ? 3 - step : step)] ? value : 0;
      }),
    );
  }
});

Deno.test("layers over sequences refuse what does not fit, and say why", () => {
  assert.throws(() => nn.lstm(4).init([9], key), /input of steps and features, got shape \[9\]/);
  assert.throws(() => nn.gru(0), /the units of gru/);
  assert.throws(
    () => nn.lstm(4, { activation: "gelu" as "tanh" }),
    /one of linear, tanh, sigmoid, relu: received "gelu"/,
  );
  assert.throws(() => nn.masking({ maskValue: NaN }), /the maskValue of masking/);
  assert.throws(() => nn.embedding(0, 4), /the inputDim of embedding/);
  assert.throws(() => nn.embedding(2 ** 25, 4), /at most 16777216: received 33554432/);
});

Deno.test("a gradient of a recurrent layer's gradient is refused", () => {
  const layer = nn.lstm(2);
  const x = tensor([1, 2, 3, 4]).reshape([1, 2, 2]);
  const weights = Object.fromEntries(
    layer.init([2, 2], key).parameters.map(({ name, shape, values }) => [
      name,
      tensor(values, { shape }),
    ]),
  );
  const [slope] = gradients(layer.apply(weights, x, new TestContext(true)).sum(), [x]);
  assert.throws(
    () => gradients(slope.square().sum(), [weights.recurrent_kernel]),
    /the op "recurrence\w+" has no gradient/,
  );
});
