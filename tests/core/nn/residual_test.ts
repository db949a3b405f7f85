/** Residual blocks against PyTorch, and against the same sums written by hand. */
import assert from "node:assert/strict";
import { lastValueFrom } from "rxjs";
import golden from "../../golden/residual.json" with { type: "json" };
import * as nn from "../../../core/nn/mod.ts";
import {
  activation,
  addLayer,
  arrays,
  batchNormalization,
  concatenate,
  connect,
  conv1d,
  conv2d,
  dense,
  dropout,
  embedding,
  fit,
  functional,
  gradients,
  gru,
  input,
  layerNormalization,
  masking,
  meanSquaredError,
  type Model,
  modelFromJson,
  modelToJson,
  multiHeadAttention,
  reluLayer,
  residual,
  sequential,
  sgd,
  tensor,
} from "../../../mod.ts";
import { evaluateOn, testOnDevices } from "../../devices.ts";
import { mulberry32 } from "../ops/generator.ts";
import { assertClose } from "./close.ts";
import { TestContext, valuesOf } from "./context.ts";
import { type GoldenCase, goldenLeaf } from "./golden.ts";

type Case = GoldenCase;

const plain = { useBias: false };
const blocks: Record<string, nn.Layer> = {
  basic: residual([
    conv2d(4, 3, { strides: 2, padding: "same", ...plain }),
    batchNormalization(),
    reluLayer(),
    conv2d(4, 3, { padding: "same", ...plain }),
  ], { activation: "relu" }),
  identity: residual([activation("relu"), dense(5, { activation: "tanh" }), dense(4)]),
  projected: residual([dense(6)]),
  given: residual([residual([dense(3, { activation: "relu" })]), dense(2)], {
    shortcut: [dense(2, plain), batchNormalization()],
  }),
};
const { source: _, ...records } = golden;
const cases = Object.entries(records as unknown as Record<string, Case>);

await testOnDevices("residual blocks give PyTorch's outputs and gradients", async (device) => {
  const made = cases.map(([name, given]) => {
    const layer = blocks[name];
    const { parameters, outputShape } = layer.init(
      given.input.shape.slice(1),
      nn.namedKey(1, "block"),
    );
    assert.deepEqual(outputShape, given.output.shape.slice(1));
    const learnt = parameters.filter(({ trainable }) => trainable);
    assert.deepEqual(
      Object.fromEntries(learnt.map(({ name, shape }) => [name, shape])),
      Object.fromEntries(Object.entries(given.weights).map(([role, { shape }]) => [role, shape])),
      name,
    );
    const weights = Object.fromEntries(
      parameters.map((parameter) => [
        parameter.name,
        goldenLeaf(
          given.weights[parameter.name] ??
            { shape: [...parameter.shape], data: [...parameter.values] },
        ),
      ]),
    );
    const x = goldenLeaf(given.input);
    const y = layer.apply(weights, x, new TestContext(true));
    const sources = Object.keys(given.gradients).map((role) =>
      role === "input" ? x : weights[role]
    );
    return [y, ...gradients(y, sources, goldenLeaf(given.upstream))];
  });
  const found = await evaluateOn(device, made.flat());
  for (const [name, given] of cases) {
    assertClose(found.shift()!, given.output.data, 2e-5, name);
    for (const [role, { data }] of Object.entries(given.gradients)) {
      assertClose(found.shift()!, data, 1e-4, `${name}, gradient of ${role}`);
    }
  }
});

const random = mulberry32(11);
const points = Array.from({ length: 24 }, () => Array.from({ length: 4 }, () => random() * 2 - 1));
const data = arrays(points, points.map(([a, b, c]) => [a * b, Math.sin(c)]));
const options = {
  loss: meanSquaredError(),
  optimizer: sgd({ learningRate: 0.1 }),
  epochs: 3,
  batchSize: 8,
  device: "cpu",
  threads: 1,
} as const;

Deno.test("it trains to the bits of the sum written by hand", async () => {
  const branch = () => [batchNormalization(), reluLayer(), dense(4), dropout(0.2, { seed: 5 })];
  const short = sequential([input([4]), residual(branch()), residual(branch()), dense(2)]);
  const start = input([4]);
  const around = (node: nn.ModelNode) => {
    const [first, ...rest] = branch();
    return connect([connect(node, first, ...rest), node], addLayer());
  };
  const long = functional({ inputs: start, outputs: connect(around(around(start)), dense(2)) });
  // Names differ, and so do the first weights and the masks of dropout unless they have a seed.
  const roles = ["batch_normalization", "dense"];
  const pairs = [1, 2].flatMap((block) =>
    roles.flatMap((role) =>
      [...long.getLayer(`${role}_${block}`).weights].map(([kind, weight]) =>
        [weight, short.weights.get(`residual_${block}/${role}_1/${kind}`)!] as const
      )
    )
  );
  assert.equal(pairs.length, 12);
  for (const [from, to] of pairs) to.value.set(from.value);
  const [last, first] = [long.getLayer("dense_3").weights, short.getLayer("dense_1").weights];
  for (const [kind, weight] of last) first.get(kind)!.value.set(weight.value);
  const before = short.weights.get("residual_1/dense_1/kernel")!.value.slice();
  const [a, b] = await Promise.all(
    [short, long].map((model) => lastValueFrom(fit(model, data, options))),
  );
  assert.equal(a.logs.loss, b.logs.loss);
  for (const [from, to] of pairs) assert.deepEqual(to.value, from.value, from.name);
  assert.notDeepEqual(short.weights.get("residual_1/dense_1/kernel")!.value, before);
});

Deno.test("JSON keeps names, shortcut and what is within", () => {
  const model = sequential([
    input([6, 4]),
    residual([
      layerNormalization(),
      multiHeadAttention(2, 2, { name: "heads" }),
      residual([dense(4, { trainable: false })], { name: "inner", activation: "gelu" }),
    ], { shortcut: dense(4, { name: "way" }) }),
    residual([conv1d(8, 3, { strides: 2, padding: "same" })], { trainable: false }),
  ], { seed: 4 });
  const text = modelToJson(model);
  const again = modelFromJson(text);
  assert.equal(modelToJson(again), text);
  const named = (each: Model) => [...each.weights].map(([name, { value }]) => [name, [...value]]);
  assert.deepEqual(named(again), named(model));
  const keys = [...model.weights.keys()];
  for (const name of ["heads/query_kernel", "inner/dense_1/kernel", "way/kernel"]) {
    assert(keys.includes(`residual_1/${name}`), keys.join());
  }
  const learnt = again.trainableParameters.map(({ name }) => name);
  assert(learnt.includes("residual_1/way/bias"));
  assert(!learnt.some((name) => name.startsWith("residual_2/") || name.includes("inner/")));
});

Deno.test("a mask goes through the layers and the shortcut", () => {
  const maskBehind = (...layers: nn.Layer[]) => {
    const model = sequential([input([3]), embedding(5, 4, { maskZero: true }), ...layers]);
    const context = new TestContext(false);
    const values = new Map(
      model.parameters.map((weight) => [weight, tensor(weight.value, { shape: weight.shape })]),
    );
    const words = tensor([[1, 0, 3], [2, 2, 0]]);
    const { masks } = model.applyMasked(values, words, context);
    const mask = masks.get(null);
    return mask && valuesOf(mask);
  };
  const counted = [1, 0, 1, 1, 1, 0];
  const sequences = { returnSequences: true };
  for (
    const layer of [
      residual([dense(4)]),
      residual([dense(7), gru(7, sequences)]),
      residual([layerNormalization(), multiHeadAttention(2, 2)]),
      residual([residual([dense(4)])], { shortcut: dense(4) }),
    ]
  ) {
    assert.deepEqual(maskBehind(layer), counted);
  }
  const warnings: string[] = [];
  const { error } = console;
  console.error = (text: string) => void warnings.push(text);
  try {
    assert.equal(maskBehind(residual([conv1d(4, 3, { padding: "same" })])), undefined);
  } finally {
    console.error = error;
  }
  assert.match(warnings.join(), /inputs of residual_1 ends there, as Residual does not support/);
  assert.throws(
    () => maskBehind(residual([dense(4), masking()])),
    /residual_1: masking_1: expected a layer that passes a mask on, got Masking, which makes one/,
  );
});

Deno.test("layers within see the mask of what they are given", () => {
  const model = sequential([
    input([3]),
    embedding(5, 4, { maskZero: true }),
    residual([layerNormalization(), residual([dense(4), multiHeadAttention(2, 2)])]),
  ]);
  const words = tensor([[1, 0, 3], [2, 2, 0]]);
  const outputs = (padding: number) => {
    const values = new Map(model.parameters.map((weight, place) => {
      const row = (value: number, at: number) => place === 0 && at < 4 ? padding * (at + 1) : value;
      return [weight, tensor(weight.value.map(row), { shape: weight.shape })];
    }));
    return valuesOf(model.apply(values, words, new TestContext(false)));
  };
  // What stands at padding reaches the steps of padding alone.
  const [a, b] = [outputs(1), outputs(-2)];
  for (const step of [0, 1, 2, 3, 4, 5]) {
    const same = a.slice(4 * step, 4 * step + 4).every((value, at) => value === b[4 * step + at]);
    assert.equal(same, step !== 1 && step !== 5, `step ${step}`);
  }
});

Deno.test("shapes that cannot be added, and what is no layer, are refused", () => {
  const block = (...given: Parameters<typeof residual>) => residual(...given);
  const model = (shape: number[], ...given: Parameters<typeof residual>) =>
    sequential([input(shape), residual(...given)]);
  assert.throws(
    () => model([6, 6, 2], [conv2d(2, 3)]),
    /residual_1: expected layers from \[6, 6, 2\] .* got \[4, 4, 2\] \(give the option shortcut\)/,
  );
  assert.throws(
    () => model([4], [dense(3)], { shortcut: dense(2) }),
    /residual_1: expected a shortcut from \[4\] to \[3\], as the layers give, got one to \[2\]/,
  );
  assert.throws(() => model([4], [dense(3), conv2d(2, 3)]), /residual_1: conv2d_1: expected/);
  assert.throws(() => block([]), /made of layers: received none/);
  assert.throws(() => block([dense] as never), /received function/);
  assert.throws(
    () => block([sequential([input([2]), dense(2)])] as never),
    /received the model sequential \(give the layers/,
  );
  assert.throws(() => block([concatenate()] as never), /of one input: received Concatenate/);
  assert.throws(() => block([input([2])] as never), /of one input: received InputLayer/);
  assert.throws(
    () => block([dense(2, { name: "a" })], { shortcut: dense(2, { name: "a" }) }),
    /two layers "a"/,
  );
});
