/** Low-rank parts beside weights that stand still. */
import assert from "node:assert/strict";
import { lastValueFrom } from "rxjs";
import {
  adam,
  arrays,
  average,
  batchNormalization,
  bidirectional,
  connect,
  dense,
  dropout,
  embedding,
  fit,
  functional,
  globalAveragePooling1d,
  input,
  loadWeights,
  lora,
  lstm,
  matmul,
  mean,
  meanSquaredError,
  mergeLora,
  type Model,
  modelFromJson,
  modelToJson,
  multiHeadAttention,
  predict,
  reversed,
  reversibleEmbedding,
  saveWeights,
  sequential,
  sgd,
  sparseCategoricalCrossentropy,
  square,
  tensor,
  transformerDecoder,
  withInputShape,
} from "../../../mod.ts";
import { decodeSafetensors } from "../../../core/state/decode_safetensors.ts";
import { testOnDevices } from "../../devices.ts";
import { gradients } from "../../../core/ops/mod.ts";
import { assertClose } from "./close.ts";
import { valuesOf } from "./context.ts";

const cpu = { device: "cpu", threads: 1 } as const;
const rows = Array.from(
  { length: 12 },
  (_, row) => Array.from({ length: 5 }, (_, i) => (row * row + i) % 7),
);
const data = arrays(rows, rows.map(([first]) => first % 3));
const crossentropy = sparseCategoricalCrossentropy({ fromLogits: true });

/** A model of many kinds of layers, one of them within another model. */
function learnt(): Model {
  const encoder = sequential([
    input([5]),
    embedding(7, 4),
    multiHeadAttention(2, 2),
    bidirectional(lstm(3, { returnSequences: true })),
  ], { name: "encoder", seed: 1 });
  const model = sequential([
    encoder,
    batchNormalization(),
    globalAveragePooling1d(),
    dense(6, { activation: "relu" }),
    dropout(0.25),
    dense(3),
  ], { seed: 2 });
  // Biases of zeros would hide mistakes.
  for (const { name, value } of model.parameters) {
    if (name.endsWith("bias")) value.set(value.map((_, at) => Math.sin(at)));
  }
  return model;
}

const train = (model: Model, device: object = cpu, epochs = 3) =>
  lastValueFrom(fit(model, data, {
    ...device,
    loss: crossentropy,
    optimizer: adam({ learningRate: 0.05 }),
    batchSize: 4,
    epochs,
  }));

const all = (model: Model) =>
  Object.fromEntries([...model.weights].map(([name, { value }]) => [name, [...value]]));

await testOnDevices(
  "a step moves the factors by their gradients, and nothing else",
  async (device) => {
    const base = sequential([input([3]), dense(2)], { seed: 1 });
    const model = lora(base, { rank: 2, alpha: 3 });
    const [kernel, bias, a, b] = model.parameters;
    assert.deepEqual(model.parameters.map(({ name }) => name), [
      "dense_1/kernel",
      "dense_1/bias",
      "dense_1/kernel_lora_a",
      "dense_1/kernel_lora_b",
    ]);
    b.set([0.5, -1, 0.25, 2]);
    const x = [[1, -2, 0.5], [0, 1, 3]];
    const leaf = ({ value, shape }: typeof a) => tensor([...value], { shape: [...shape] });
    const [left, right] = [leaf(a), leaf(b)];
    const whole = leaf(kernel).add(matmul(left, right).mul(1.5));
    const outputs = matmul(tensor(x), whole).add(leaf(bias));
    const expected = gradients(mean(square(outputs.sub(tensor([[1, 0], [2, -1]])))), [left, right])
      .map((gradient, place) => {
        const before = [a, b][place].value;
        return valuesOf(gradient).map((slope, at) => before[at] - 0.1 * slope);
      });
    const kept = [[...kernel.value], [...bias.value]];
    const targets = arrays(x, [[1, 0], [2, -1]]);
    await lastValueFrom(
      fit(model, targets, {
        ...device,
        loss: meanSquaredError(),
        optimizer: sgd({ learningRate: 0.1 }),
        batchSize: 2,
      }),
    );
    assertClose(a.value, expected[0], 1e-5, "a");
    assertClose(b.value, expected[1], 1e-5, "b");
    assert.deepEqual([[...kernel.value], [...bias.value]], kept);
  },
);

Deno.test("it begins as the original, learns by its parts alone, and is merged into the original", async () => {
  const base = learnt();
  const before = all(base);
  const model = lora(base, { rank: 2, alpha: 4 });
  assert.deepEqual(await predict(model, rows, cpu), await predict(base, rows, cpu));
  const names = model.trainableParameters.map((parameter) => model.nameOf(parameter));
  assert(names.every((name) => /_kernel_lora_[ab]$|\/kernel_lora_[ab]$/.test(name)), names.join());
  assert.equal(names.length, 2 * Object.keys(before).filter((name) => /kernel$/.test(name)).length);
  await train(model);
  const after = all(model);
  for (const [name, values] of Object.entries(before)) assert.deepEqual(after[name], values, name);
  assert.deepEqual(all(base), before);
  const expected = await predict(model, rows, cpu);
  assert.notDeepEqual(expected, await predict(base, rows, cpu));
  mergeLora(model, base);
  assertClose((await predict(base, rows, cpu)).data, expected.data, 1e-5);
});

Deno.test("parts alone are saved and loaded, and the whole goes to JSON", async () => {
  const folder = await Deno.makeTempDir();
  try {
    const path = `${folder}/parts.safetensors`;
    const options = { rank: 2, only: /(query|value)_kernel$/ };
    const model = lora(learnt(), options);
    await train(model);
    await saveWeights(model, path, { only: /_lora_[ab]$/ });
    const { tensors } = decodeSafetensors(await Deno.readFile(path), path);
    const attention = "encoder/multi_head_attention_1";
    assert.deepEqual([...tensors.keys()].sort(), [
      `${attention}/query_kernel_lora_a`,
      `${attention}/query_kernel_lora_b`,
      `${attention}/value_kernel_lora_a`,
      `${attention}/value_kernel_lora_b`,
    ]);
    const again = lora(learnt(), options);
    assert.equal((await loadWeights(again, path, { only: /_lora_[ab]$/ })).length, 4);
    assert.deepEqual(await predict(again, rows, cpu), await predict(model, rows, cpu));
    await assert.rejects(loadWeights(again, path), /has no weight "encoder\/embedding_1/);
    await assert.rejects(
      loadWeights(again, path, { only: "dense_1" }),
      /has no weight "dense_1\/kernel"/,
    );
    await assert.rejects(saveWeights(model, path, { only: "nothing" }), /no weight is meant/);
    const text = modelToJson(model);
    const read = modelFromJson(text);
    assert.equal(modelToJson(read), text);
    assert.deepEqual([...read.weights.keys()], [...model.weights.keys()]);
    assert.equal(read.trainableParameters.length, 4);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});

Deno.test("tied weights and models of several inputs have parts, too", async () => {
  const tokens = reversibleEmbedding(7, 4);
  const told = sequential([input([5]), tokens, transformerDecoder(6, 2), reversed(tokens)]);
  const tied = lora(told, {
    rank: 1,
    only: (name) => /embeddings$|intermediate_dense_kernel$/.test(name),
  });
  assert.equal(tied.trainableParameters.length, 4);
  const shapes = tied.trainableParameters.map(({ shape }) => [...shape]);
  assert.deepEqual(shapes, [[7, 1], [1, 4], [4, 1], [1, 6]]);
  assert.deepEqual(await predict(tied, rows, cpu), await predict(told, rows, cpu));
  tied.weights.get("reversible_embedding_1/embeddings_lora_b")!.set([1, -1, 0.5, 2]);
  const expected = await predict(tied, rows, cpu);
  mergeLora(tied, told);
  assertClose((await predict(told, rows, cpu)).data, expected.data, 1e-5);

  const [left, right, shared] = [input([3]), input([3]), dense(2)];
  const two = functional({
    inputs: { left, right },
    outputs: { one: connect(left, shared), other: connect(right, shared) },
  });
  const copy = lora(two);
  assert.deepEqual(copy.outputShape, two.outputShape);
  assert.equal(copy.trainableParameters.length, 2);
});

Deno.test("lora refuses ranks and weights that there are not", () => {
  const model = sequential([input([3]), dense(2)]);
  assert.throws(() => lora(model, { rank: 0 }), /the rank of lora/);
  assert.throws(() => lora(model, { alpha: -1 }), /the alpha of lora/);
  assert.throws(() => lora(model, { only: "query" }), /no weight is meant by query: the model has/);
  assert.throws(() => lora(model, { only: "dense_1/bias" }), /two axes or more: .* none by only/);
  assert.throws(() => mergeLora(model, model), /as it has none: make it by lora/);
  const other = sequential([input([3]), dense(4)]);
  assert.throws(() => mergeLora(lora(model), other), /another size of dense_1\/kernel/);
});

Deno.test("models that share weights share their parts, and take them together", async () => {
  const encoder = sequential([input([2]), dense(3)], { seed: 3 });
  const pair = () => {
    const x = input([2]);
    return functional({ inputs: x, outputs: connect(x, encoder, dense(1)), name: "head" });
  };
  const x = input([2]);
  const base = functional({
    inputs: x,
    outputs: connect([connect(x, pair()), connect(x, sequential([encoder, dense(1)]))], average()),
  });
  const model = lora(base, { rank: 1, bInitializer: "ones" });
  assert.equal(model.trainableParameters.length, 6);
  const batch = [[1, -2], [0.5, 3]];
  const { data: expected } = await predict(model, batch, cpu);
  mergeLora(model, base);
  assertClose((await predict(base, batch, cpu)).data, expected, 1e-5);
});

Deno.test("a model and the same one for other inputs share their parts", () => {
  const encoder = sequential([input([9, 2]), dense(3)]);
  const inputs = { long: input([9, 2]), short: input([5, 2]) };
  const both = functional({
    inputs,
    outputs: {
      a: connect(inputs.short, withInputShape(encoder, [5, 2])),
      b: connect(inputs.long, encoder),
    },
  });
  const copy = lora(both);
  assert.deepEqual(copy.outputShape, both.outputShape);
  assert.equal(copy.parameters.length, both.parameters.length + 2);
});
