/** Weights of PyTorch's state dictionaries, as tests/golden/golden_weights.py has saved them. */
import assert from "node:assert/strict";
import * as m from "../../../mod.ts";
import { assertClose } from "../nn/close.ts";
import { inFolder } from "./fake_epoch.ts";

const golden = (name: string) =>
  new URL(`../../golden/pytorch_${name}.safetensors`, import.meta.url).pathname;

function pictures() {
  return m.sequential([
    m.input([6, 4, 3]),
    m.conv2d(4, 3, { padding: "same" }),
    m.batchNormalization({ epsilon: 1e-5 }),
    m.activation("relu"),
    m.maxPooling2d(2),
    m.conv2dTranspose(2, 2, { strides: 2 }),
    m.flatten(),
    m.dense(5),
  ]);
}

/** Kernels of pictures have their filters first there, and the pictures their channels. */
const ofPictures: Record<string, (file: (name: string) => m.Tensor) => m.Tensor> = {
  "conv2d_1/kernel": (file) => file("conv.weight").transpose([2, 3, 1, 0]),
  "conv2d_1/bias": (file) => file("conv.bias"),
  "batch_normalization_1/gamma": (file) => file("norm.weight"),
  "batch_normalization_1/beta": (file) => file("norm.bias"),
  "batch_normalization_1/moving_mean": (file) => file("norm.running_mean"),
  "batch_normalization_1/moving_variance": (file) => file("norm.running_var"),
  "conv2d_transpose_1/kernel": (file) => file("up.weight").transpose([2, 3, 1, 0]),
  "conv2d_transpose_1/bias": (file) => file("up.bias"),
  "dense_1/kernel": (file) =>
    file("fc.weight").reshape([5, 2, 6, 4]).transpose([2, 3, 1, 0]).reshape([48, 5]),
  "dense_1/bias": (file) => file("fc.bias"),
};

function sequences() {
  const x = m.input([4]);
  const steps = { returnSequences: true };
  const y = m.connect(x, m.embedding(9, 6), m.lstm(5, steps), m.gru(8, steps));
  const attended = m.connect([y, y], m.multiHeadAttention(2, 4));
  const sum = m.connect([y, attended], m.addLayer());
  const outputs = m.connect(sum, m.layerNormalization({ epsilon: 1e-5 }), m.dense(3));
  return m.functional({ inputs: x, outputs });
}

/** The gates r, z, n of PyTorch's GRU as z, r, n, of which each has a part of the last axis. */
function gates(x: m.Tensor): m.Tensor {
  const units = x.shape.at(-1)! / 3;
  const lead = x.shape.slice(0, -1);
  const part = (gate: number) =>
    x.slice([...lead.map(() => 0), gate * units], [...lead, (gate + 1) * units]);
  return m.concat([part(1), part(0), part(2)], -1);
}

const ofSequences: Record<string, (file: (name: string) => m.Tensor) => m.Tensor> = {
  "embedding_1/embeddings": (file) => file("words.weight"),
  "lstm_1/kernel": (file) => file("lstm.weight_ih_l0").transpose(),
  "lstm_1/recurrent_kernel": (file) => file("lstm.weight_hh_l0").transpose(),
  "lstm_1/bias": (file) => file("lstm.bias_ih_l0").add(file("lstm.bias_hh_l0")),
  "gru_1/kernel": (file) => gates(file("gru.weight_ih_l0").transpose()),
  "gru_1/recurrent_kernel": (file) => gates(file("gru.weight_hh_l0").transpose()),
  "gru_1/bias": (file) => gates(m.stack([file("gru.bias_ih_l0"), file("gru.bias_hh_l0")])),
  ...Object.fromEntries(["query", "key", "value"].flatMap((role, place) => [
    [
      `multi_head_attention_1/${role}_kernel`,
      (file: (name: string) => m.Tensor) =>
        file("attention.in_proj_weight").slice([8 * place], [8 * place + 8]).transpose()
          .reshape([8, 2, 4]),
    ],
    [
      `multi_head_attention_1/${role}_bias`,
      (file: (name: string) => m.Tensor) =>
        file("attention.in_proj_bias").slice([8 * place], [8 * place + 8]).reshape([2, 4]),
    ],
  ])),
  "multi_head_attention_1/attention_output_kernel": (file) =>
    file("attention.out_proj.weight").transpose().reshape([2, 4, 8]),
  "multi_head_attention_1/attention_output_bias": (file) => file("attention.out_proj.bias"),
  "layer_normalization_1/gamma": (file) => file("norm.weight"),
  "layer_normalization_1/beta": (file) => file("norm.bias"),
  "dense_1/kernel": (file) => file("fc.weight").transpose(),
  "dense_1/bias": (file) => file("fc.bias"),
};

async function goldenTensor(name: string, tensor: string) {
  const { tensors } = m.decodeSafetensors(await Deno.readFile(golden(name)), name);
  const { data, shape } = tensors.get(tensor)!;
  return { data: data as Float32Array, shape: [...shape] };
}

Deno.test("a convolutional network of PyTorch's weights predicts what PyTorch does", async () => {
  const model = pictures();
  const names = await m.loadWeights(model, golden("pictures"), {
    from: (weight, file) => ofPictures[weight](file),
  });
  assert.deepEqual(names, [...model.weights.keys()]);
  const { data, shape: [samples, ...shape] } = await goldenTensor("pictures", "x");
  const [channelsLast] = await m.evaluateTensors([
    m.tensor([...data]).reshape([samples, ...shape]).transpose([0, 2, 3, 1]),
  ]);
  const { data: found } = await m.predict(model, channelsLast as Float32Array, { device: "cpu" });
  assertClose(found, (await goldenTensor("pictures", "y")).data, 2e-6);
});

Deno.test("recurrent layers and attention of PyTorch's weights predict what PyTorch does", async () => {
  const model = sequences();
  const from: m.WeightSource = (weight, file) => ofSequences[weight](file);
  await m.loadWeights(model, golden("sequences"), { from });
  const found = await m.predict(model, await goldenTensor("sequences", "x"), { device: "cpu" });
  assertClose(found.data, (await goldenTensor("sequences", "y")).data, 2e-6);
});

const refused: Record<string, [from: m.WeightSource, name: string, message: RegExp]> = {
  "a tensor that is not there": [
    (_, file) => file("conv.wight"),
    "DataError",
    /has no tensor "conv.wight": it holds conv.weight, conv.bias, .*…/,
  ],
  "whole numbers": [
    (_, file) => file("norm.num_batches_tracked"),
    "DataError",
    /its tensor "norm.num_batches_tracked" must hold floats: received I64/,
  ],
  "another shape": [
    (weight, file) => weight === "dense_1/kernel" ? file("fc.weight") : ofPictures[weight](file),
    "ShapeError",
    /"dense_1\/kernel" does not fit the model: expected F32 \[48, 5\], received F32 \[5, 48\]/,
  ],
  "nothing for a weight": [
    (weight, file) => weight === "dense_1/bias" ? undefined : ofPictures[weight](file),
    "DataError",
    /has no weight "dense_1\/bias": from gives nothing for it \(skipMismatch leaves it/,
  ],
  "numbers that are not finite": [
    (weight, file) => ofPictures[weight](file).div(0),
    "DataError",
    /must hold finite numbers: received -?(Infinity|NaN)/,
  ],
  "what is no function": [
    "conv.weight" as never,
    "TypeError",
    /from must be a function of a weight's name and the file: received "conv.weight"/,
  ],
  "what is no tensor": [
    (() => [1, 2]) as never,
    "TypeError",
    /from must give a tensor, or undefined.*received.*for "conv2d_1\/kernel"/,
  ],
};

for (const [what, [from, name, message]] of Object.entries(refused)) {
  Deno.test(`weights of another program are refused, and none is taken: ${what}`, async () => {
    const model = pictures();
    const before = model.parameters.map(({ value }) => value.slice());
    await assert.rejects(m.loadWeights(model, golden("pictures"), { from }), { name, message });
    assert.deepEqual(model.parameters.map(({ value }) => value), before);
  });
}

Deno.test("some weights of another program are taken, and the others left", async () => {
  const model = pictures();
  const before = model.getLayer("dense_1").weights.get("bias")!.value.slice();
  const taken = await m.loadWeights(model, golden("pictures"), {
    skipMismatch: true,
    from: (weight, file) =>
      weight.startsWith("conv2d_1")
        ? ofPictures[weight](file)
        : weight === "dense_1/kernel"
        ? file("fc.weight") // of another shape
        : undefined,
  });
  assert.deepEqual(taken, ["conv2d_1/kernel", "conv2d_1/bias"]);
  const only = ["dense_1"];
  const from: m.WeightSource = (weight, file) => ofPictures[weight](file);
  assert.deepEqual(model.getLayer("dense_1").weights.get("bias")!.value, before);
  assert.deepEqual(await m.loadWeights(model, golden("pictures"), { only, from }), [
    "dense_1/kernel",
    "dense_1/bias",
  ]);
  assert.notDeepEqual(model.getLayer("dense_1").weights.get("bias")!.value, before);
});

Deno.test("a file of Millrace's that is damaged is refused, by whatever names it is read", () =>
  inFolder(async (folder) => {
    const path = `${folder}/weights.safetensors`;
    await m.saveWeights(pictures(), path);
    const bytes = await Deno.readFile(path);
    bytes[bytes.length - 5] ^= 1;
    await Deno.writeFile(path, bytes);
    const from: m.WeightSource = (weight, file) => file(weight);
    await assert.rejects(m.loadWeights(pictures(), path, { from }), /damaged/);
  }));
