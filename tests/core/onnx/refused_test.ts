/** What cannot be exported, and what a file holds while a run trains. */
import assert from "node:assert/strict";
import { lastValueFrom, tap } from "rxjs";
import * as m from "../../../mod.ts";
import { registeredOperations } from "../../../core/ops/registry.ts";
import { onnxForms } from "../../../core/onnx/nodes/mod.ts";

/** Ops without a form. Who adds an op decides whether it has one. */
const withoutForm = [
  ...["attention", "bincount", "cholesky", "ctcPaths", "ctcPosteriors", "eliminate", "mergeRuns"],
  ...["recurrenceSteps", "sortRuns"],
  // Gradients.
  ...["attentionGradient", "convolutionKernelGradient", "maxPoolGradient", "maxPoolSelect"],
  ...["recurrenceGradient", "sampleImageGradient"],
];
/** Leaves are inputs, weights and numbers; of elementwise ops the WGSL is written. */
const otherwise = ["leaf", "composite", "elementwise"];

Deno.test("every op has a form in ONNX, or is known to have none", () => {
  const lacking = registeredOperations().filter(({ name, kind }) =>
    !(name in onnxForms) && !otherwise.includes(kind)
  );
  assert.deepEqual(lacking.map(({ name }) => name).sort(), withoutForm.sort());
});

const lambda = (change: (x: m.Tensor) => m.Tensor) =>
  m.sequential([m.input([4]), m.lambda(change, { name: "part" })]);

const bits = m.elementwise({
  name: "bitsOfTheOnnxTest",
  wgsl: "bitcast<f32>(bitcast<u32>(x) & 0x7fffffffu)",
  reference: Math.abs,
});
const whole = m.elementwise({
  name: "wholeOfTheOnnxTest",
  wgsl: "x + 1",
  types: (_, [x]) => x.dtype,
  reference: (x) => x + 1,
});

/** A layer that asks for something in inference, too. */
const asking = (ask: (context: m.ApplyContext) => m.Tensor): m.Layer => ({
  type: "Asking",
  name: "",
  init: (shape) => ({ outputShape: shape, parameters: [] }),
  apply: (_, x, context) => x.mul(ask(context)),
});
const askingModel = (ask: (context: m.ApplyContext) => m.Tensor) =>
  m.sequential([m.input([4]), asking(ask)]);

const refused: Record<string, [model: () => unknown, message: RegExp]> = {
  "what is no model": [() => "model.json", /modelToOnnx takes a model.*received "model.json"/],
  "states that go from batch to batch": [
    () => m.sequential([m.input([3, 4]), m.lstm(2, { stateful: true, batchSize: 2 })]),
    /as "lstm_1\/.*" goes from batch to batch.*without stateful/,
  ],
  "sorting": [
    () => lambda((x) => m.sort(x)),
    /Cannot export layer "part" to ONNX as "sortRuns" is an op for which there is no form/,
  ],
  "bits": [() => lambda((x) => bits(x)), /"part".*"bitsOfTheOnnxTest" has the operator & in it/],
  "whole numbers of an op of one's own": [
    () => lambda((x) => whole(x.cast("i32")).cast("f32")),
    /"wholeOfTheOnnxTest" is of whole numbers/,
  ],
  "operators of bits": [
    () => lambda((x) => m.bitwiseAnd(x.cast("i32"), 1).cast("f32")),
    /"bitwiseAnd" is of whole numbers/,
  ],
  "a mean over the batch": [
    () => lambda((x) => x.sub(x.mean(0))),
    /"part".*one graph for every batch size: received the number 0.5 for a batch of 2 and the number 0.33/,
  ],
  "a part of the batch": [
    () => lambda((x) => x.slice([x.shape[0] - 1], [x.shape[0]]).add(x)),
    /"part".*takes a part of the batch.*from 1 to 2 along axis 0/,
  ],
  "a size that is no multiple of the batch": [
    () => lambda((x) => m.concat([x, x.slice([0], [1])]).sum(0).add(x)),
    /"part".*sizes must be fixed or multiples of the batch size: received 3 for a batch of 2 and 4 for 3/,
  ],
  "another side of a picture": [
    () => m.sequential([m.input([6, 6, 1]), m.lambda((x) => wrapped(x))]),
    /fillMode "wrap" has no form there: choose one of constant, nearest, reflect/,
  ],
  "a transposed convolution in steps": [
    () => images((x) => m.convolution(x, m.ones([1, 2, 2, 1, 1]), { ...apart, groups: 1 })),
    /"convolution" of inputs apart from each other, with groups or strides, is one for which/,
  ],
  "a pooling of places apart": [
    () => images((x) => m.maxPool(x, apart)),
    /"maxPool" of places apart from each other is one for which there is no form/,
  ],
  "sums of places apart": [
    () => images((x) => m.sumPool(x, { ...apart, inputDilation: [1, 1, 1], dilation: [1, 2, 2] })),
    /"sumPool" of places apart from each other is one for which there is no form/,
  ],
  "rows from a place that changes": [
    () =>
      lambda((x) => {
        const options = { start: m.zeros([]).cast("u32"), count: 4 };
        const rows = m.gather(m.transpose(x), m.tensor([0, 1, 2, 3, 0]).cast("u32"), options);
        return m.transpose(rows);
      }),
    /"gather" from a place that changes is one for which there is no form/,
  ],
  "dropout of attention": [
    () =>
      images((x) => {
        const places = x.reshape([x.shape[0], 6, 1, 6]);
        const dropout = { rate: 0.5, key: { key0: 1, key1: 2 }, counter: 0 };
        return m.scaledDotProductAttention(places, places, places, { dropout }).reshape(x.shape);
      }),
    /"attention" with dropout is one for which there is no form/,
  ],
  "dropout of states": [
    () =>
      lambda((x) => {
        const [batch] = x.shape;
        const recurrentMask = m.ones([batch, 4]);
        const options = {
          ...{ cell: "simpleRnn", activation: "tanh", recurrentActivation: "sigmoid" } as const,
          ...{ sequences: false, recurrentMask },
        };
        const sums = x.reshape([1, batch, 4]);
        return m.recurrence(sums, m.ones([4, 4]), m.ones([4]), options).reshape(x.shape);
      }),
    /"recurrence" with dropout is one for which there is no form/,
  ],
  "what changes while it runs": [
    () => askingModel((context) => context.scalar((step) => step, "rate")),
    /"asking_1\/rate" changes while it runs/,
  ],
  "chance in inference": [
    () => askingModel((context) => m.uniform(context.randomKey("noise"), [4], context.counter)),
    /"asking_1\/noise" is drawn at random in inference/,
  ],
};

const apart: m.Window = {
  size: [1, 2, 2],
  strides: [1, 2, 2],
  dilation: [1, 1, 1],
  inputDilation: [1, 2, 2],
  before: [0, 0, 0],
  after: [0, 0, 0],
};

/** A function of pictures as the ops have them. */
function images(change: (x: m.Tensor) => m.Tensor) {
  return m.sequential([
    m.input([6, 6, 1]),
    m.lambda((x) => change(x.reshape([x.shape[0], 1, 6, 6, 1])), { name: "part" }),
  ]);
}

function wrapped(images: m.Tensor): m.Tensor {
  const places = m.zeros([images.shape[0], 6, 6]).sub(2);
  return m.sampleImage(images, places, places, { fillMode: "wrap" });
}

for (const [what, [model, message]] of Object.entries(refused)) {
  Deno.test(`export is refused: ${what}`, async () => {
    const made = model();
    await assert.rejects(m.modelToOnnx(made as m.Model), { name: "TypeError", message });
  });
}

Deno.test("a hyperparameter's present number is exported", async () => {
  const rate = m.hyperparameter(0.5);
  const model = askingModel((context) => context.scalar(rate, "rate"));
  const before = await m.modelToOnnx(model);
  rate.next(0.25);
  const after = await m.modelToOnnx(model);
  assert.deepEqual(
    after,
    await m.modelToOnnx(askingModel((context) => context.scalar(0.25, "rate"))),
  );
  assert.notDeepEqual(after, before);
});

Deno.test("while a run trains, the weights of the step are exported", async () => {
  const make = (seed: number) => m.sequential([m.input([2]), m.dense(1)], { seed });
  const [model, copy] = [make(1), make(2)];
  const data = m.arrays([[1, 2], [3, 4]], [[1], [2]]);
  const seen: Uint8Array[] = [];
  const look = async () => {
    const [bytes] = await Promise.all([m.modelToOnnx(model), m.copyWeights(model, copy)]);
    seen.push(bytes, await m.modelToOnnx(copy));
  };
  const steps = m.miniBatches(data, { batchSize: 1, device: "cpu", threads: 1 }).pipe(
    m.forward(model),
    m.loss(m.meanSquaredError()),
    m.backward(),
    m.update(m.sgd({ learningRate: 0.1 })),
    tap((step) => step.hold(look())),
  );
  await lastValueFrom(steps);
  assert.equal(seen.length, 4);
  assert.deepEqual(seen[0], seen[1]);
  assert.deepEqual(seen[2], seen[3]);
  assert.notDeepEqual(seen[0], seen[2]);
});

Deno.test("saveOnnx writes the file as a whole, or leaves the old one", async () => {
  const folder = await Deno.makeTempDir();
  const path = `${folder}/model.onnx`;
  const model = m.sequential([m.input([4]), m.dense(2)]);
  await m.saveOnnx(model, path);
  const written = await Deno.readFile(path);
  assert.deepEqual(written, new Uint8Array(await m.modelToOnnx(model)));
  await assert.rejects(m.saveOnnx(lambda((x) => m.sort(x)), path), /no form/);
  assert.deepEqual(await Deno.readFile(path), written);
  await assert.rejects(m.saveOnnx(model, `${folder}/none/model.onnx`), /none.*folder/s);
  assert.deepEqual([...Deno.readDirSync(folder)].map(({ name }) => name), ["model.onnx"]);
  await Deno.remove(folder, { recursive: true });
});
