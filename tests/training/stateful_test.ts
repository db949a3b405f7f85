/** Layers that keep their states from batch to batch: in training, validation, prediction and files. */
import assert from "node:assert/strict";
import { concat, lastValueFrom, map, mergeMap, toArray } from "rxjs";
import * as nn from "../../core/nn/mod.ts";
import {
  checkpoint,
  type Epoch,
  evaluate,
  fit,
  type FitOptions,
  forward,
  loadWeights,
  miniBatches,
  predict,
  resetStates,
  saveWeights,
} from "../../core/stream/mod.ts";
import { assertClose } from "../core/nn/close.ts";
import { testOnDevices } from "../devices.ts";

const [rows, chunks, steps] = [3, 4, 2];
const cpu = { device: "cpu", threads: 1 } as const;

/** Series of numbers, `[rows, chunks · steps, 2]`, and what to say at the end of each chunk. */
const series = Array.from(
  { length: rows },
  (_, row) =>
    Array.from(
      { length: chunks * steps },
      (_, step) => [Math.sin(row + step), Math.cos(row * step)],
    ),
);
const answers = Array.from({ length: chunks * rows }, (_, place) => Math.sin(place * place));

/** Sample i of a batch goes on where sample i of the batch before has ended. */
function inChunks() {
  const samples = Array.from(
    { length: chunks },
    (_, chunk) => series.map((row) => row.slice(chunk * steps, (chunk + 1) * steps)),
  ).flat(1);
  return {
    x: { data: Float32Array.from(samples.flat(2)), shape: [chunks * rows, steps, 2] },
    y: { data: Float32Array.from(answers), shape: [chunks * rows, 1] },
  };
}

const whole = { data: Float32Array.from(series.flat(2)), shape: [rows, chunks * steps, 2] };

type Factory = (options: nn.LstmOptions) => nn.Layer;
const lstm: Factory = (options) => nn.lstm(5, options as nn.LstmOptions & { returnState?: false });
const gru: Factory = (options) => nn.gru(5, options as nn.LstmOptions & { returnState?: false });
const stateful = { stateful: true, batchSize: rows } as const;

function chunked(layer: nn.Layer, seed = 3): nn.Model {
  return nn.sequential([nn.input([steps, 2]), layer, nn.dense(1)], { seed });
}

/** The same model over the whole series at once, which gives what it says after every step. */
async function said(make: Factory, model: nn.Model): Promise<number[]> {
  const layer = make({ returnSequences: true });
  const all = nn.sequential([nn.input([chunks * steps, 2]), layer, nn.dense(1)]);
  for (const [name, { value }] of all.weights) value.set(model.weights.get(name)!.value);
  const { data } = await predict(all, whole, { device: "reference" });
  return Array.from({ length: chunks * rows }, (_, place) => {
    const [chunk, row] = [Math.floor(place / rows), place % rows];
    return data[row * chunks * steps + (chunk + 1) * steps - 1];
  });
}

await testOnDevices(
  "predictions in chunks are those of the whole, and states go on",
  async (device) => {
    for (const make of [lstm, gru]) {
      const model = chunked(make(stateful));
      const expected = await said(make, model);
      const options = { ...device, batchSize: rows };
      const { x } = inChunks();
      const first = await predict(model, x, options);
      assertClose(first.data, expected, 1e-5, "chunks");
      // In two calls, the second of which begins where the first has ended.
      model.resetStates();
      const half = x.data.length / 2;
      const part = (from: number, to: number) => ({
        data: x.data.slice(from, to),
        shape: [chunks * rows / 2, steps, 2],
      });
      const one = await predict(model, part(0, half), device);
      const two = await predict(model, part(half, 2 * half), device);
      // Between both, the reference rounds states to float32.
      assertClose([...one.data, ...two.data], first.data, 1e-6, "in two calls");
    }
  },
);

function options(device: object, learningRate: number) {
  return {
    loss: nn.meanSquaredError(),
    optimizer: nn.sgd({ learningRate }),
    batchSize: rows,
    shuffle: false,
    ...device,
  };
}

/** Mean losses of the epochs, and the states at the end. */
async function losses(model: nn.Model, given: FitOptions) {
  const training = fit(model, inChunks(), given);
  const found = await lastValueFrom(training.pipe(map(({ logs }) => logs), toArray()));
  return { logs: found, states: model.getLayer("lstm_1").weights.get("states")!.value };
}

const mean = (numbers: readonly number[]) =>
  numbers.reduce((sum, value) => sum + value, 0) / numbers.length;

await testOnDevices(
  "training goes on from batch to batch, and begins anew where it is told to",
  async (device) => {
    const model = chunked(lstm(stateful));
    const expected = mean(
      (await said(lstm, model)).map((value, place) => (value - answers[place]) ** 2),
    );
    // Without learning, every epoch that begins with zeros is the same.
    const anew = { ...options(device, 0), epochs: 2, batchOperators: [resetStates()] };
    const { logs, states } = await losses(model, anew);
    assertClose(logs.map(({ loss }) => loss), [expected, expected], 1e-5);
    assert(states.some((value) => Math.abs(value) > 0.01));
    const on = await losses(model, { ...options(device, 0), epochs: 1 });
    assert(Math.abs(on.logs[0].loss - expected) > 1e-5, "it goes on from the end of the series");
    model.resetStates();
    const again = await losses(model, { ...options(device, 0), epochs: 1 });
    assertClose([again.logs[0].loss], [expected], 1e-5);
  },
);

const learning = (device: object) => ({
  ...options(device, 0.2),
  epochs: 15,
  batchOperators: [resetStates(({ stepInEpoch }) => stepInEpoch % 3 === 1)],
  validation: inChunks(),
});
let reference: ReturnType<typeof losses> | undefined;

await testOnDevices(
  "60 steps are those of the reference, and validation has states of its own",
  async (device) => {
    const model = chunked(lstm(stateful));
    const { logs, states } = await losses(model, learning(device));
    reference ??= losses(chunked(lstm(stateful)), learning({ device: "reference" }));
    const expected = await reference;
    const names = ["loss", "val_loss"] as const;
    for (const name of names) {
      assertClose(logs.map((one) => one[name]), expected.logs.map((one) => one[name]), 1e-3, name);
    }
    assert(logs[14].loss < 0.9 * logs[0].loss);
    assertClose(states, expected.states, 1e-3, "states");
    // Validation and evaluate begin with zeros, whatever training has left, and leave it there.
    const before = [...states];
    const outputs = await said(lstm, model);
    const whole = mean(outputs.map((value, place) => (value - answers[place]) ** 2));
    const { loss } = await evaluate(model, inChunks(), { loss: nn.meanSquaredError(), ...device });
    assertClose([loss, logs[14].val_loss], [whole, whole], 1e-4);
    assert.deepEqual([...states], before);
  },
);

Deno.test("files carry states: a run is resumed to the same bits, and saved weights bring them", async () => {
  const folder = await Deno.makeTempDir();
  try {
    const path = `${folder}/states.safetensors`;
    const all = options(cpu, 0.1);
    const last = (file: string) => checkpoint<Epoch>(file, { save: "last" });
    const whole = chunked(lstm(stateful));
    await losses(whole, { ...all, epochs: 5 });
    const begun = chunked(lstm(stateful));
    await losses(begun, { ...all, epochs: 2, callbacks: [last(path)] });
    const resumed = chunked(lstm(stateful), 8);
    await losses(resumed, { ...all, epochs: 5, resume: path, callbacks: [last(`${path}.2`)] });
    for (const [name, { value }] of whole.weights) {
      assert.deepEqual(resumed.weights.get(name)!.value, value, name);
    }
    await saveWeights(whole, path);
    const loaded = chunked(lstm(stateful), 9);
    await loadWeights(loaded, path);
    assert.deepEqual(
      loaded.weights.get("lstm_1/states")!.value,
      whole.weights.get("lstm_1/states")!.value,
    );
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});

Deno.test("both ways of a bidirectional stateful layer go on from states of their own", async () => {
  const model = chunked(nn.bidirectional(lstm(stateful)));
  const parts = [chunked(lstm(stateful)), chunked(lstm({ ...stateful, goBackwards: true }))];
  const weights = model.getLayer("bidirectional_1").weights;
  parts.forEach((part, place) => {
    for (const [name, { value }] of part.getLayer("lstm_1").weights) {
      value.set(weights.get(`${["forward", "backward"][place]}_${name}`)!.value);
    }
  });
  // The dense layer above sums up a half of the units.
  const kernel = model.getLayer("dense_1").weights.get("kernel")!;
  kernel.set(kernel.value.map((_, place) => 1 + place));
  parts.forEach((part, place) =>
    part.getLayer("dense_1").weights.get("kernel")!.set(
      kernel.value.slice(5 * place, 5 * place + 5),
    )
  );
  const [both, forwards, backwards] = await Promise.all(
    [model, ...parts].map((one) => predict(one, inChunks().x, cpu)),
  );
  assertClose(both.data, forwards.data.map((value, place) => value + backwards.data[place]), 1e-5);
});

Deno.test("a stateful layer goes to JSON and back, and its states are no trainable weight", () => {
  const model = chunked(gru({ ...stateful, recurrentDropout: 0.25 }));
  const text = nn.modelToJson(model);
  const again = nn.modelFromJson(text);
  assert.equal(nn.modelToJson(again), text);
  const states = again.weights.get("gru_1/states")!;
  assert.deepEqual([states.shape, states.trainable, states.state], [[rows, 5], false, true]);
  assert(!again.trainableParameters.includes(states));
});

Deno.test("what does not go with states from batch to batch is refused, and says why", async () => {
  assert.throws(
    () => nn.lstm(4, { stateful: true }),
    /lstm stateful as it keeps .*: give batchSize/,
  );
  assert.throws(
    () => nn.gru(4, { batchSize: 8 }),
    /gru with batchSize .*: received 8 without stateful: true/,
  );
  assert.throws(() => nn.gru(4, { stateful: true, batchSize: 0.5 }), /the batchSize of gru/);
  const model = chunked(lstm(stateful));
  await assert.rejects(
    predict(
      model,
      { ...inChunks().x, data: inChunks().x.data.slice(0, 20), shape: [5, steps, 2] },
      cpu,
    ),
    /lstm_1: expected batches of 3 samples, its batchSize, as it is stateful, got 2 \(give/,
  );
  await assert.rejects(
    lastValueFrom(fit(model, inChunks(), { ...options(cpu, 0.1), batchSize: 4 })),
    /lstm_1: expected batches of 3 samples, .* got 4/,
  );
  const plain = chunked(lstm({}));
  assert.throws(() => plain.resetStates(), /model sequential as none of its layers is stateful/);
  await assert.rejects(
    lastValueFrom(
      fit(plain, inChunks(), { ...options(cpu, 0.1), batchOperators: [resetStates()] }),
    ),
    /Cannot reset states as no layer is stateful: make one with \{ stateful: true, batchSize \}/,
  );
});

Deno.test("two resetStates in a pipe each reset", async () => {
  const model = chunked(lstm(stateful));
  const outputs = await lastValueFrom(
    miniBatches(inChunks(), { batchSize: rows, shuffle: false, ...cpu }).pipe(
      resetStates(({ step }) => step === 2),
      resetStates(({ step }) => step === 4),
      forward(model),
      mergeMap(({ outputs }) => outputs.data()),
      toArray(),
    ),
  );
  const { x } = inChunks();
  const size = x.data.length / chunks;
  const first = async (chunk: number) => {
    model.resetStates();
    const part = { data: x.data.slice(chunk * size, (chunk + 1) * size), shape: [rows, steps, 2] };
    return (await predict(model, part, cpu)).data;
  };
  assertClose(outputs[1] as Float32Array, await first(1), 1e-6);
  assertClose(outputs[3] as Float32Array, await first(3), 1e-6);
  const third = await first(2);
  assert(
    [...outputs[2] as Float32Array].some((value, place) => Math.abs(value - third[place]) > 1e-4),
  );
});

Deno.test("resetStates resets the states of each of two sources that follow one another", async () => {
  const model = chunked(lstm(stateful));
  const source = miniBatches(inChunks(), { batchSize: rows, shuffle: false, ...cpu });
  const outputs = await lastValueFrom(
    concat(source, source).pipe(
      resetStates(),
      forward(model),
      mergeMap(({ outputs }) => outputs.data()),
      toArray(),
    ),
  );
  assert.deepEqual(outputs.slice(chunks), outputs.slice(0, chunks));
});
