/** Weights that are used at both ends of a model: once everywhere. */
import assert from "node:assert/strict";
import { lastValueFrom, toArray } from "rxjs";
import {
  arrays,
  connect,
  dense,
  embedding,
  evaluate,
  fit,
  frozen,
  functional,
  generate,
  input,
  l2,
  loadModel,
  meanSquaredError,
  modelFromJson,
  modelToJson,
  predict,
  readWeightsMetadata,
  reversed,
  reversibleEmbedding,
  type ReversibleEmbeddingOptions,
  saveModel,
  sequential,
  sgd,
  sparseCategoricalCrossentropy,
  summary,
  timeDistributed,
  transformerDecoder,
  withInputShape,
} from "../../../mod.ts";
import { decodeSafetensors } from "../../../core/state/decode_safetensors.ts";
import { testOnDevices } from "../../devices.ts";
import { assertClose } from "./close.ts";

const cpu = { device: "cpu", threads: 1 } as const;

function tied(options: ReversibleEmbeddingOptions = {}) {
  const tokens = reversibleEmbedding(7, 4, { embeddingsInitializer: "glorotUniform", ...options });
  const block = transformerDecoder(6, 2, { ropeMaxWavelength: 100 });
  return sequential([input([5]), tokens, block, reversed(tokens)], { seed: 2 });
}

/** Logits by the formula, of what the layer is given. */
function logits(x: ArrayLike<number>, [rows, width]: number[], table: Float32Array): number[] {
  const classes = table.length / width;
  return Array.from({ length: rows * classes }, (_, place) => {
    const [row, token] = [Math.floor(place / classes), place % classes];
    let sum = 0;
    for (let n = 0; n < width; n++) sum += x[row * width + n] * table[token * width + n];
    return sum;
  });
}

await testOnDevices("the way back is a product with the same vectors", async (device) => {
  for (
    const [options, change] of [
      [{}, (x: number) => x],
      [{ logitSoftCap: 0.5 }, (x: number) => 0.5 * Math.tanh(x / 0.5)],
    ] as const
  ) {
    const tokens = reversibleEmbedding(7, 4, {
      embeddingsInitializer: "glorotUniform",
      ...options,
    });
    const [ids, vectors] = [input([3]), input([2, 4])];
    const model = functional({
      inputs: { ids, vectors },
      outputs: { there: connect(ids, tokens), back: connect(vectors, reversed(tokens)) },
    });
    const [[, { value }]] = model.weights;
    const x = Float32Array.from({ length: 16 }, (_, i) => Math.sin(i * i));
    const given = {
      ids: { data: Float32Array.of(1, 6, 0, 3, 3, 2), shape: [2, 3] },
      vectors: { data: x, shape: [2, 2, 4] },
    };
    const { there, back } = await predict(model, given, device);
    assertClose(back.data, logits(x, [4, 4], value).map(change), 1e-5);
    const rows = [...given.ids.data].flatMap((id) => [...value.slice(4 * id, 4 * id + 4)]);
    assertClose(there.data, rows, 1e-7);
  }
});

Deno.test("a weight of both ends is one: in counts, names, files, JSON, and models of other sizes", async () => {
  const model = tied();
  const names = [...model.weights.keys()].filter((name) => /embedding/.test(name));
  assert.deepEqual(names, ["reversible_embedding_1/embeddings"]);
  const alone = sequential([input([5]), embedding(7, 4), transformerDecoder(6, 2)]);
  const count = (of: typeof model) => of.parameters.reduce((sum, { size }) => sum + size, 0);
  assert.equal(count(model), count(alone));
  assert.match(summary(model), new RegExp(`Total params: ${count(alone)}`));
  assert.equal(modelToJson(modelFromJson(modelToJson(model))), modelToJson(model));

  const folder = await Deno.makeTempDir();
  try {
    const path = `${folder}/tied.safetensors`;
    await saveModel(model, path);
    const { tensors } = decodeSafetensors(await Deno.readFile(path), path);
    assert.equal([...tensors.keys()].filter((name) => /embeddings$/.test(name)).length, 1);
    assert("model" in await readWeightsMetadata(path));
    const again = await loadModel(path);
    const x = [[1, 2, 3, 4, 5]];
    const expected = await predict(model, x, cpu);
    assert.deepEqual(await predict(again, x, cpu), expected);
    const shorter = await predict(withInputShape(model, [3]), [[1, 2, 3]], cpu);
    assertClose(shorter.data, expected.data.slice(0, 21), 1e-6);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
  const own = tied({ tieWeights: false });
  assert.equal(count(own), count(alone) + 28);
  assert.deepEqual(own.weights.get("reversible_embedding_1/reverse_embeddings")!.shape, [4, 7]);
});

Deno.test("an activityRegularizer is for the outputs of both ways", async () => {
  const tokens = reversibleEmbedding(7, 4, { logitSoftCap: 2, activityRegularizer: l2(0.5) });
  const model = sequential([input([3]), tokens, reversed(tokens)]);
  const x = [[1, 6, 0], [3, 3, 2]];
  const logits = await predict(model, x, cpu);
  const [[, { value }]] = model.weights;
  const vectors = x.flat().flatMap((id) => [...value.subarray(4 * id, 4 * id + 4)]);
  const squares = [...vectors, ...logits.data].reduce((sum, each) => sum + each ** 2, 0);
  const rows = Array.from({ length: 6 }, (_, row) => [...logits.data.slice(7 * row, 7 * row + 7)]);
  const y = [rows.slice(0, 3), rows.slice(3)];
  const { loss } = await evaluate(model, arrays(x, y), { ...cpu, loss: meanSquaredError() });
  assertClose([loss], [0.5 * squares / 2], 1e-7);
});

Deno.test("both ends learn together, stand still together, and generate", async () => {
  const rows = Array.from(
    { length: 20 },
    (_, row) => Array.from({ length: 6 }, (_, i) => (row + i) % 7),
  );
  const data = arrays(rows.map((row) => row.slice(0, 5)), rows.map((row) => row.slice(1)));
  const loss = sparseCategoricalCrossentropy({ fromLogits: true });
  const options = {
    ...cpu,
    loss,
    optimizer: sgd({ learningRate: 0.5 }),
    epochs: 150,
    batchSize: 5,
  };
  const model = tied();
  const { logs } = await lastValueFrom(fit(model, data, options));
  assert(logs.loss < 0.2, `${logs.loss}`);
  const told = generate(model, [3], { temperature: 0, ...cpu });
  assert.deepEqual(await lastValueFrom(told.pipe(toArray())), [4, 5, 6, 0]);

  const tokens = frozen(reversibleEmbedding(7, 4));
  const still = sequential([input([5]), tokens, dense(4), reversed(tokens)], { seed: 1 });
  const before = [...still.parameters[0].value];
  await lastValueFrom(fit(still, data, { ...options, epochs: 1 }));
  assert.deepEqual([...still.parameters[0].value], before);
});

Deno.test("a way back is refused where there is none, or without the layer itself", () => {
  assert.throws(() => reversed(dense(3)), /a Dense layer as it has no way back/);
  const tokens = reversibleEmbedding(7, 4);
  assert.throws(
    () => sequential([input([2, 4]), reversed(tokens)]),
    /without the ReversibleEmbedding layer .*: call that layer in the same model/,
  );
  const inner = sequential([input([5]), tokens]);
  assert.throws(() => sequential([inner, reversed(tokens)]), /in the same model/);
  assert.throws(
    () => sequential([input([5]), tokens, timeDistributed(reversed(tokens))]),
    /no weights of its own/,
  );
  assert.throws(
    () => sequential([input([5]), tokens, dense(3), reversed(tokens)]),
    /vectors of 4 numbers to go back from, got \[5, 3\]/,
  );
  assert.throws(() => reversibleEmbedding(7, 4, { logitSoftCap: 0 }), /the logitSoftCap/);
  const text = modelToJson(tied()).replace('"reverse": true', '"reverse": 3');
  assert.throws(() => modelFromJson(text), /calls\[2\]\.reverse/);
});
