/** Models that stay open for one call after another, as a server needs them. */
import assert from "node:assert/strict";
import { lastValueFrom } from "rxjs";
import type { Device } from "../../core/graph/device.ts";
import { DataError, DisposedError, ShapeError } from "../../core/graph/errors.ts";
import {
  arrays,
  batchNormalization,
  concatenate,
  connect,
  dense,
  dropout,
  fit,
  functional,
  input,
  loadWeights,
  lstm,
  meanSquaredError,
  type Model,
  openCpu,
  openModel,
  predict,
  saveWeights,
  sequential,
  sgd,
} from "../../mod.ts";
import { assertClose } from "../core/nn/close.ts";
import { testOnDevices } from "../devices.ts";

const cpu = { device: "cpu", threads: 1 } as const;
const numbers = (rows: number, columns: number, seed = 0) =>
  Array.from(
    { length: rows },
    (_, row) => Array.from({ length: columns }, (_, at) => Math.sin(seed + row * columns + at)),
  );
const network = (seed = 5) =>
  sequential([
    input([6]),
    dense(40, { activation: "relu" }),
    batchNormalization(),
    dropout(0.5),
    dense(3, { activation: "softmax" }),
  ], { seed });

/** A CPU that counts the programs that it makes ready and the times that they run. */
function countingCpu(): Device & { prepared: number; runs: number } {
  const device = openCpu({ threads: 1 });
  const counting = Object.assign(Object.create(device), { prepared: 0, runs: 0 });
  counting.allocate = device.allocate.bind(device);
  counting.prepare = (...given: Parameters<Device["prepare"]>) => {
    counting.prepared++;
    const executable = device.prepare(...given);
    const run = executable.run.bind(executable);
    executable.run = (scalars) => {
      counting.runs++;
      return run(scalars);
    };
    return executable;
  };
  counting.idle = () => device.idle();
  counting.dispose = () => device.dispose();
  counting[Symbol.dispose] = () => device.dispose();
  return counting;
}

testOnDevices("an open model gives what predict gives, alone and together", async (options) => {
  const model = network();
  const calls = [1, 3, 1, 2, 8, 5, 30].map((samples, seed) => numbers(samples, 6, seed));
  const wanted = [];
  for (const x of calls) wanted.push(await predict(model, x, options));
  await using open = await openModel(model, { ...options, batchSize: 8 });
  const together = await Promise.all(calls.map((x) => open.predict(x)));
  for (const [place, x] of calls.entries()) {
    for (const answer of [together[place], await open.predict(x)]) {
      // Kernels of WebGPU add up in an order that goes by the size of the batch.
      if (options.device !== "webgpu") assert.deepEqual(answer, wanted[place]);
      assert.deepEqual(answer.shape, wanted[place].shape);
      assertClose(answer.data, wanted[place].data, 1e-6);
    }
  }
});

Deno.test("inputs are taken as predict takes them, bytes with their scale among them", async () => {
  const model = network();
  const bytes = Uint8Array.from({ length: 12 }, (_, at) => at * 21);
  const forms = [
    numbers(2, 6),
    Float32Array.from(numbers(2, 6).flat()),
    bytes,
    { data: bytes, shape: [2, 6], scale: 1 / 255 },
    { data: bytes, shape: [2, 6], scale: 1 / 127, offset: -1 },
    { data: new Float32Array(), shape: [0, 6] },
  ];
  await using open = await openModel(model, cpu);
  for (const x of forms) {
    assert.deepEqual(await open.predict(x), await predict(model, x, cpu));
  }
});

Deno.test("inputs and outputs go by name, and numbers may be changed after the call", async () => {
  const [words, table] = [input([3]), input([2])];
  const joined = connect(connect([words, table], concatenate()), dense(4));
  const model = functional({
    inputs: { words, table },
    outputs: { kind: connect(joined, dense(2)), price: connect(joined, dense(1)) },
  });
  const x = { words: Float32Array.from(numbers(2, 3).flat()), table: numbers(2, 2, 9) };
  const wanted = await predict(model, x, cpu);
  await using open = await openModel(model, cpu);
  const answer = open.predict(x);
  x.words.fill(0);
  assert.deepEqual(await answer, wanted);
});

Deno.test("calls that come together are computed together, by few plans", async () => {
  using device = countingCpu();
  await using open = await openModel(network(), { device, batchSize: 16 });
  await Promise.all(Array.from({ length: 40 }, (_, seed) => open.predict(numbers(1, 6, seed))));
  assert.deepEqual([device.prepared, device.runs], [2, 3], "batches of 16, 16 and 8");
  for (let samples = 1; samples <= 16; samples++) await open.predict(numbers(samples, 6));
  assert.deepEqual([device.prepared, device.runs], [5, 19], "1, 2, 4, 8 and 16 samples");
});

Deno.test("weights that the model is given count from the next call on", async () => {
  const model = network();
  const x = numbers(3, 6);
  await using open = await openModel(model, cpu);
  const before = await open.predict(x);
  const data = arrays(numbers(20, 6), numbers(20, 3));
  await lastValueFrom(
    fit(model, data, { ...cpu, loss: meanSquaredError(), optimizer: sgd(), epochs: 1 }),
  );
  const trained = await open.predict(x);
  assert.notDeepEqual(trained, before);
  assert.deepEqual(trained, await predict(model, x, cpu));

  const file = await Deno.makeTempFile({ suffix: ".safetensors" });
  const other = network(6);
  await saveWeights(other, file);
  await loadWeights(model, file);
  assert.deepEqual(await open.predict(x), await predict(other, x, cpu));
});

Deno.test("a call of several batches is answered by one set of weights, whenever others come", async () => {
  const model = network();
  const [old, other] = [network(), network(6)];
  const give = (from: Model) =>
    model.parameters.forEach((weight, place) => weight.set(from.parameters[place].value));
  const x = numbers(10, 6);
  const [before, after] = [await predict(old, x, cpu), await predict(other, x, cpu)];
  await using open = await openModel(model, { ...cpu, batchSize: 4 });
  for (let moments = 0; moments < 60; moments++) {
    give(old);
    const asked = open.predict(x);
    for (let moment = 0; moment < moments; moment++) await null;
    give(other);
    const next = open.predict(x);
    const { data } = await asked;
    const wanted = data[0] === before.data[0] ? before : after;
    assert.deepEqual(data, wanted.data, `given ${moments} moments after the call`);
    assert.deepEqual(await next, after);
  }
});

testOnDevices("stateful layers go on from call to call", async (options) => {
  const make = () => {
    const layers = [input([2, 3]), lstm(4, { stateful: true, batchSize: 2 }), dense(1)];
    return sequential(layers, { seed: 3 });
  };
  const whole = Float32Array.from(numbers(6, 6).flat());
  const chunks = [0, 1, 2].map((at) => whole.slice(12 * at, 12 * at + 12));
  const model = make();
  const all = await predict(model, whole, options);
  const wanted = [0, 1, 2].map((at) => ({
    data: all.data.slice(2 * at, 2 * at + 2),
    shape: [2, 1],
  }));

  const served = make();
  const open = await openModel(served, options);
  const said = await Promise.all(chunks.map((x) => open.predict(x)));
  assert.deepEqual(said, wanted);
  await assert.rejects(open.predict(whole.slice(0, 6)), /batch/);
  served.resetStates();
  assert.deepEqual(await open.predict(chunks[0]), wanted[0]);
  const kernel = served.weights.get("dense_1/kernel")!;
  kernel.set(Float32Array.of(1, 2, 3, 4));
  await open.dispose();
  assert.deepEqual([...kernel.value], [1, 2, 3, 4], "closing keeps what others have set");
  assert.notDeepEqual(await predict(served, chunks[1], options), wanted[1]);
});

Deno.test("what does not fit is refused, and others are answered", async () => {
  const model = network();
  await using open = await openModel(model, { ...cpu, batchSize: 4 });
  const good = numbers(2, 6);
  // deno-lint-ignore no-explicit-any
  const given = (x: any) => open.predict(x);
  const [first, ...refused] = await Promise.allSettled(
    [
      good,
      numbers(2, 5),
      [[1, 2], [3]],
      { a: good },
      [["x"]],
      null,
      { data: Float32Array.of(1, 2, 3), shape: [1, 6] },
    ].map(given),
  );
  assert.deepEqual(first.status === "fulfilled" && first.value, await predict(model, good, cpu));
  const messages = [
    [ShapeError, /expected input of 6 features, got 5/],
    [DataError, /must be full arrays of numbers/],
    [ShapeError, /its inputs are one without a name: received a/],
    [DataError, /received "x"/],
    [DataError, /received null/],
    [DataError, /shape \[1, 6\] is that of 6 numbers: received 3/],
  ] as const;
  for (const [place, [Type, message]] of messages.entries()) {
    const answer = refused[place];
    assert(answer.status === "rejected" && answer.reason instanceof Type, String(place));
    assert.match(answer.reason.message, message);
  }
  await assert.rejects(openModel(model, { ...cpu, batchSize: 0 }), RangeError);
  await assert.rejects(openModel(7 as unknown as Model, cpu), TypeError);
});

Deno.test("closing answers the calls that wait, and frees what was held", async () => {
  const model = network();
  using device = openCpu({ threads: 1 });
  for (let round = 0; round < 3; round++) {
    const open = await openModel(model, { device });
    const answers = [open.predict(numbers(40, 6)), open.predict(numbers(1, 6))];
    await Promise.all([open.dispose(), open.dispose()]);
    assert.deepEqual((await Promise.all(answers)).map(({ shape }) => shape), [[40, 3], [1, 3]]);
    await assert.rejects(open.predict(numbers(1, 6)), DisposedError);
  }
});
