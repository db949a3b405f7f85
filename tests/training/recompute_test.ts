/** Segments that are computed again in the backward pass: the same bits, and less memory. */
import assert from "node:assert/strict";
import { lastValueFrom } from "rxjs";
import {
  activation,
  adam,
  addLayer,
  arrays,
  backward,
  batchNormalization,
  checkpoint,
  connect,
  dense,
  dropout,
  forward,
  functional,
  gradientNorms,
  gradients,
  input,
  l2,
  layerNormalization,
  loss,
  meanSquaredError,
  miniBatches,
  type Model,
  modelFromJson,
  type ModelNode,
  modelToJson,
  recompute,
  sequential,
  tensor,
  update,
} from "../../mod.ts";
import { inputLeaf, stateLeaf } from "../../core/graph/leaf.ts";
import { planProgram } from "../../core/graph/plan.ts";
import { createProgram } from "../../core/graph/program.ts";
import { segmentsOf } from "../../core/nn/segments.ts";
import type { Tensor } from "../../core/graph/tensor.ts";
import { compilePlan } from "../../gpu/compile.ts";
import { defaultTuning } from "../../gpu/tuning.ts";
import { mulberry32 } from "../core/ops/generator.ts";
import { inFolder } from "../core/stream/fake_epoch.ts";
import { testOnDevices } from "../devices.ts";
import { lossesOf, weightsOf } from "./pipes.ts";

const random = mulberry32(4);
const rows = Array.from({ length: 64 }, () => [random() - 0.5, random() - 0.5, random() - 0.5]);
const data = arrays(rows, rows.map(([a, b, c]) => [a * b - c, c]));

/** Residual blocks with whatever keeps or draws something: statistics, masks, penalties. */
function network(blocks: number, recompute?: number): Model {
  const start = input([3]);
  let stream: ModelNode = connect(start, dense(6));
  for (let block = 0; block < blocks; block++) {
    const branch: ModelNode = connect(
      stream,
      block % 2 ? batchNormalization() : layerNormalization(),
      dense(6, { activation: "gelu", kernelRegularizer: l2() }),
      dropout(0.3),
      dense(6, { activation: "tanh" }),
    );
    stream = connect([stream, branch], addLayer());
  }
  return functional({ inputs: start, outputs: connect(stream, dense(2)), seed: 3, recompute });
}

async function train(model: Model, options: object) {
  const steps = miniBatches(data, { batchSize: 8, epochs: 4, seed: 5, ...options }).pipe(
    forward(model),
    loss(meanSquaredError()),
    backward(),
    gradientNorms(),
    update(adam({ learningRate: 0.01 })),
  );
  return { losses: await lossesOf(steps), weights: await weightsOf(model) };
}

await testOnDevices("training is the same to the last bit", async (device) => {
  // Kernels take a software adapter long to compile.
  const [blocks, sizes] = device.device === "webgpu" ? [1, [2]] : [4, [1, 3, 100]];
  const plain = await train(network(blocks), device);
  assert.equal(plain.losses.length, 32);
  assert(plain.losses.at(-1)! < plain.losses[0]);
  for (const size of sizes) {
    assert.deepEqual(await train(network(blocks, size), device), plain, `${size}`);
  }
});

/** A step of residual layers on wide batches. */
function residualStep(layers: number, segment: number | undefined) {
  const weights = Array.from({ length: layers }, (_, at) => stateLeaf(`w${at}`, [16, 16]));
  let x: Tensor = inputLeaf("x", [256, 16], "f32");
  for (let at = 0; at < layers; at += segment ?? layers) {
    const [start, part] = [x, weights.slice(at, at + (segment ?? layers))];
    for (const weight of part) x = x.add(x.relu().matmul(weight));
    if (segment !== undefined) x = recompute(x, [start, ...part]);
  }
  const slopes = gradients(x.square().sum(), weights);
  const values = weights.map((state, at) => ({ state, value: state.sub(slopes[at].mul(0.1)) }));
  return planProgram(createProgram([], values));
}

Deno.test("memory falls with the square root of the depth, where it grows with the depth", () => {
  const activation = 256 * 16 * 4;
  for (const [layers, least] of [[64, 4], [1000, 12]]) {
    const plain = residualStep(layers, undefined).arenaBytes;
    const { arenaBytes } = residualStep(layers, Math.round(Math.sqrt(layers)));
    assert(plain > 4 * layers * activation, "all is kept");
    assert(plain / arenaBytes > least, `${layers} layers: ${plain} and ${arenaBytes} bytes`);
  }
});

Deno.test("a GPU's memory falls as well", () => {
  const bytes = (segment?: number) => {
    const { arenas } = compilePlan(residualStep(64, segment), 0, defaultTuning);
    return [...arenas.values()].reduce((sum, arena) => sum + arena, 0);
  };
  assert(bytes() / bytes(8) > 2.2, `${bytes()} and ${bytes(8)} bytes`);
});

Deno.test("a run goes on from a checkpoint, with segments or without", () =>
  inFolder(async (folder) => {
    const path = `${folder}/deep.safetensors`;
    const part = (model: Model, epochs: number, resume?: string) =>
      lastValueFrom(
        miniBatches(data, { batchSize: 8, epochs, seed: 5, device: "cpu", threads: 1, resume })
          .pipe(
            forward(model),
            loss(meanSquaredError()),
            backward(),
            update(adam({ learningRate: 0.01 })),
            checkpoint(path, { save: "last", everyEpochs: 1 }),
          ),
      );
    const [whole, rest] = [network(2), network(2)];
    await part(whole, 4);
    await part(network(2, 4), 2);
    await part(rest, 4, path);
    assert.deepEqual(await weightsOf(rest), await weightsOf(whole));
  }));

Deno.test("a block within a model is a segment, and segments may lie in segments", async () => {
  const model = (inner?: number, outer?: number) => {
    const block = (name: string) =>
      sequential([input([6]), dense(6, { activation: "tanh" }), dropout(0.2), dense(6)], {
        name,
        recompute: inner,
      });
    const blocks = [block("one"), block("two"), block("three")];
    return sequential([input([3]), dense(6), ...blocks, dense(2)], { seed: 1, recompute: outer });
  };
  const cpu = { device: "cpu", threads: 1 } as const;
  const plain = await train(model(), cpu);
  for (const [inner, outer] of [[1], [9], [undefined, 2], [2, 2]]) {
    assert.deepEqual(await train(model(inner, outer), cpu), plain, `${inner} and ${outer}`);
  }
});

Deno.test("segments end where one value goes on", () => {
  const start = input([4]);
  const first = connect(start, dense(4));
  const branch = connect(first, dense(4), activation("relu"));
  const joined = connect([first, branch], addLayer());
  const outputs = connect(joined, dense(3), dense(2));
  const { graph } = functional({ inputs: start, outputs }).definition;
  const found = (least: number) =>
    [...segmentsOf(graph, least)].map(([end, { output, inputs, places }]) => [
      end,
      output,
      inputs,
      places.map(({ name }) => name),
    ]);
  assert.deepEqual(found(1), [
    [0, 1, [0], ["dense_1"]],
    [3, 4, [1], ["dense_2", "activation_1", "add_1"]],
    [4, 5, [4], ["dense_3"]],
    [5, 6, [5], ["dense_4"]],
  ]);
  assert.deepEqual(found(2).map(([end]) => end), [3, 5]);
  assert.deepEqual(found(9), [[5, 6, [0], [
    "dense_1",
    "dense_2",
    "activation_1",
    "add_1",
    "dense_3",
    "dense_4",
  ]]]);
  // Two outputs go on from the last cut: what is behind it is in no segment.
  const both = functional({ inputs: start, outputs: { joined, other: connect(joined, dense(2)) } });
  assert.deepEqual([...segmentsOf(both.definition.graph, 2)].map(([end]) => end), [3]);
});

Deno.test("recompute is in a model's JSON, and is refused below 1", () => {
  const model = (recompute?: number) => sequential([input([2]), dense(3), dense(1)], { recompute });
  const text = modelToJson(model(3));
  assert.equal(modelFromJson(text).definition.recompute, 3);
  assert.equal(modelFromJson(modelToJson(model())).definition.recompute, undefined);
  assert.throws(() => network(1, 0), /recompute of the model functional .* from 1: received 0/);
  assert.throws(
    () => modelFromJson(text.replace('"recompute": 3', '"recompute": 0')),
    /whole number from 1: received 0/,
  );
});

Deno.test("gradients of gradients go through; a source within is refused", async () => {
  const x = tensor([0.5, -1]);
  const curve = (kept: boolean) => {
    const y = x.tanh().mul(x);
    return kept ? y : recompute(y, [x]);
  };
  const second = (y: Tensor) => gradients(gradients(y.square(), [x])[0], [x])[0].data();
  const [plain, again] = [await second(curve(false)), await second(curve(true))];
  plain.forEach((slope, at) => assert(Math.abs(slope - again[at]) < 1e-5 * Math.abs(slope)));
  const hidden = x.mul(2);
  const part = recompute(hidden.tanh(), [x]);
  assert.throws(
    () => gradients(part, [hidden]),
    /mul \[2\] f32 as it is inside of a part that is computed again .* add it to the sources/,
  );
  assert.equal(recompute(x, [x]), x);
  const none = recompute(x.slice([0], [0]).tanh(), [x]);
  assert.equal((await none.data()).length, 0);
  assert.deepEqual([...await gradients(none.sum(), [x])[0].data()], [0, 0]);
});
