/** A GPT and a BERT, built from layers and stages as their users do, against PyTorch. */
import assert from "node:assert/strict";
import { lastValueFrom, map, toArray } from "rxjs";
import golden from "../golden/language.json" with { type: "json" };
import {
  accumulateGradients,
  adam,
  adamw,
  addLayer,
  arrays,
  backward,
  clipGradients,
  connect,
  cosineDecay,
  dense,
  type DeviceOptions,
  forward,
  functional,
  input,
  layerNormalization,
  loss,
  miniBatches,
  type Model,
  positionEmbedding,
  reversed,
  reversibleEmbedding,
  sequential,
  sgd,
  sparseCategoricalCrossentropy,
  tokenAndPositionEmbedding,
  transformerDecoder,
  transformerEncoder,
  update,
} from "../../mod.ts";
import { assertClose } from "../core/nn/close.ts";
import { devicesOf } from "./devices.ts";

type Weights = Record<string, { data: number[] }>;

function given(model: Model, weights: Weights): Model {
  assert.deepEqual(new Set(model.weights.keys()), new Set(Object.keys(weights)));
  for (const [name, { data }] of Object.entries(weights)) model.weights.get(name)!.set(data);
  return model;
}

function assertWeights(model: Model, weights: Weights, tolerance: number): void {
  for (const [name, { data }] of Object.entries(weights)) {
    assertClose(model.weights.get(name)!.value, data, tolerance, name);
  }
}

function gpt(): Model {
  const { sizes, weights } = golden.gpt;
  const text = input([sizes.steps]);
  const tokens = reversibleEmbedding(sizes.tokens, sizes.width, {
    name: "tokens",
    logitSoftCap: sizes.cap,
  });
  const vectors = connect(text, tokens);
  const places = connect(vectors, positionEmbedding(sizes.steps, { name: "places" }));
  const block = transformerDecoder(sizes.wide, sizes.heads, {
    name: "block",
    activation: "gelu",
    normalizeFirst: true,
    ropeMaxWavelength: sizes.wave,
  });
  const last = layerNormalization({ epsilon: 1e-5, name: "norm" });
  const told = connect([vectors, places], addLayer(), block, last, reversed(tokens));
  return given(functional({ inputs: text, outputs: told }), weights);
}

/** Learns; its rate is `factor` times what warms up and then falls along half a cosine. */
async function trainGpt(name: "sgd" | "adamw", factor: number, device: DeviceOptions) {
  const { texts, batchSize, steps, runs } = golden.gpt;
  const model = gpt();
  const learningRate = cosineDecay({
    initialLearningRate: 0,
    warmupTarget: 0.02 * factor,
    warmupSteps: 3,
    decaySteps: 9,
  });
  const decays = (weight: string) => /(kernel|embeddings)$/.test(weight);
  const still = (weight: string) => !decays(weight);
  const options = { learningRate, epsilon: 1e-3 };
  const data = arrays(texts.map((row) => row.slice(0, -1)), texts.map((row) => row.slice(1)));
  const settings = {
    ...device,
    batchSize,
    epochs: steps * batchSize / texts.length,
    shuffle: false,
  };
  const differentiated = miniBatches(data, settings).pipe(
    forward(model),
    loss(sparseCategoricalCrossentropy({ fromLogits: true, labelSmoothing: 0.1 })),
    backward(),
    clipGradients({ globalNorm: 0.5 }),
  );
  const updated = name === "sgd"
    ? differentiated.pipe(update(sgd({ learningRate })))
    : differentiated.pipe(
      update(adamw({ ...options, weightDecay: 0.1 }), { only: decays }),
      update(adamw({ ...options, weightDecay: 0 }), { only: still }),
    );
  const losses = await lastValueFrom(updated.pipe(map((step) => step.values()), toArray()));
  const found = await Promise.all(losses);
  assertClose(found.map(({ loss }) => loss), runs[name].losses, 1e-5, "losses");
  assertWeights(model, runs[name].final, 1e-5);
}

async function trainBert(device: DeviceOptions) {
  const { sizes, texts, labels, batchSize, gathered, epochs, weights, final } = golden.bert;
  const model = given(
    sequential([
      input([sizes.steps]),
      tokenAndPositionEmbedding(sizes.tokens, sizes.steps, sizes.width, {
        name: "tokens",
        maskZero: true,
      }),
      transformerEncoder(sizes.wide, sizes.heads, { name: "block" }),
      dense(sizes.tokens, { name: "head" }),
    ]),
    weights,
  );
  const data = {
    x: arrays(texts, texts).x,
    y: { data: Int32Array.from(labels.flat()), shape: [texts.length, sizes.steps] },
  };
  const steps = miniBatches(data, { ...device, batchSize, epochs, shuffle: false }).pipe(
    forward(model),
    loss(sparseCategoricalCrossentropy({ fromLogits: true, ignoreClass: -1 })),
    backward(),
    accumulateGradients(gathered),
    update(adam({ learningRate: 0.02, epsilon: 1e-3 })),
  );
  await lastValueFrom(steps);
  assertWeights(model, final, 1e-5);
}

// On WebGPU's software adapter these plans take minutes to compile; layers are tested there one by one.
for (const { name, options } of await devicesOf("reference", "cpu")) {
  Deno.test(`a GPT with one table of tokens learns as in PyTorch [${name}]`, async () => {
    await trainGpt("adamw", 1, options);
    await trainGpt("sgd", 20, options);
  });

  Deno.test(`a BERT tells hidden words of padded sentences as in PyTorch [${name}]`, async () => {
    await trainBert(options);
  });
}
