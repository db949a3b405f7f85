/** Data sets whose rows are read while they train: the same run as with all rows in memory. */
import assert from "node:assert/strict";
import { lastValueFrom, take, toArray } from "rxjs";
import {
  accuracy,
  arrays,
  checkpoint,
  concatenate,
  connect,
  type DataSet,
  dense,
  dropout,
  type Epoch,
  evaluate,
  fit,
  type FitOptions,
  functional,
  input,
  meanSquaredError,
  miniBatches,
  predict,
  sequential,
  sgd,
  streamedDataSet,
  trainValidationSplit,
} from "../../mod.ts";
import { mulberry32 } from "../core/ops/generator.ts";
import { deviceTest } from "./devices.ts";
import { crossentropy, weightsOf } from "./pipes.ts";

/** 16 KiB a sample: a window holds seven batches of 32. */
const features = 4096;
const samples = 600;

const random = mulberry32(11);
const values = Float32Array.from({ length: samples * features }, () => random() - 0.5);
const labels = Uint8Array.from(
  { length: samples },
  (_, row) => values[row * features] > 0 ? 2 : values[row * features + 1] > 0 ? 1 : 0,
);
const stored = arrays(values, labels, { classes: 3 });

/** The same samples, read in the next turn of the event loop; counts what is asked for. */
function reader() {
  const reads = new Array<number>(samples).fill(0);
  let under = 0, most = 0, calls = 0;
  const data = streamedDataSet({
    samples,
    x: { shape: [features], type: "float32" },
    y: { shape: [], type: "uint8" },
    classes: 3,
    name: "half",
    async read(rows, { x, y }) {
      calls++;
      most = Math.max(most, ++under);
      await new Promise((done) => setTimeout(done));
      for (const [place, row] of rows.entries()) {
        reads[row]++;
        x.data.set(values.subarray(row * features, (row + 1) * features), place * features);
        y.data[place] = labels[row];
      }
      under--;
    },
  });
  return { data, reads, most: () => most, calls: () => calls };
}

function makeModel() {
  return sequential([input([features]), dropout(0.2), dense(3)], { seed: 5 });
}

async function train(data: DataSet, options: Partial<FitOptions>) {
  const model = makeModel();
  const seen = await lastValueFrom(
    fit(model, data, {
      loss: crossentropy,
      metrics: [accuracy()],
      optimizer: sgd({ learningRate: 0.1, momentum: 0.9 }),
      batchSize: 32,
      epochs: 2,
      seed: 7,
      ...options,
    }).pipe(toArray()),
  );
  const logs = seen.map(({ logs: { seconds: _, samples_per_second: __, ...rest } }) => rest);
  return { logs, weights: await weightsOf(model), model };
}

await deviceTest(
  "a streamed data set trains to the same bits",
  async (device) => {
    const { data, reads, most, calls } = reader();
    const streamed = await train(data, { device, validation: reader().data });
    const resident = await train(stored, { device, validation: stored });
    assert.deepEqual(streamed.logs, resident.logs);
    assert.deepEqual(streamed.weights, resident.weights);
    assert.ok(resident.logs[1].loss < resident.logs[0].loss);
    assert.deepEqual(reads, reads.map(() => 2), "each sample is read once an epoch");
    assert.equal(most(), 1, "one call of the reader follows another");
    assert.equal(calls(), 6, "three windows an epoch, and nothing behind the last");
  },
  "cpu",
  "webgpu",
);

await deviceTest(
  "a streamed run is resumed in the middle of a window",
  async (device) => {
    const folder = await Deno.makeTempDir();
    const file = `${folder}/half.safetensors`;
    try {
      const whole = await train(reader().data, { device, stepsPerEpoch: 13 });
      const callbacks = [checkpoint<Epoch>(file, { save: "last" })];
      await train(reader().data, { device, stepsPerEpoch: 13, epochs: 1, callbacks });
      const resumed = await train(reader().data, {
        device,
        stepsPerEpoch: 13,
        callbacks,
        resume: file,
      });
      assert.deepEqual(resumed.weights, whole.weights);
      assert.deepEqual(resumed.logs, whole.logs.slice(1));
    } finally {
      await Deno.remove(folder, { recursive: true });
    }
  },
  "cpu, 2",
  "webgpu",
);

const cpu = { device: "cpu", threads: 1 } as const;

Deno.test("a validation of streamed data waits for the end of the one before the first step", async () => {
  const options = {
    device: "cpu",
    threads: 1,
    batchSize: samples,
    validationBatchSize: 32,
  } as const;
  const logs = async (validation: DataSet, sanitySteps: number) =>
    (await train(stored, { ...options, validation, sanitySteps })).logs;
  assert.deepEqual(await logs(reader().data, 19), await logs(stored, 0));
});

Deno.test("a streamed data set is split, and evaluated, as one in memory", async () => {
  const split = { validationSplit: 0.3, shuffle: true, seed: 3 };
  const streamed = trainValidationSplit(reader().data, split);
  const resident = trainValidationSplit(stored, split);
  const one = await train(streamed.train, { ...cpu, validation: streamed.validation });
  const other = await train(resident.train, { ...cpu, validation: resident.validation });
  assert.deepEqual(one.logs, other.logs);
  const options = { loss: crossentropy, metrics: [accuracy()], batchSize: 50, ...cpu };
  assert.deepEqual(
    await evaluate(one.model, streamed.validation, options),
    await evaluate(other.model, resident.validation, options),
  );
});

Deno.test("arrays by name, weights of samples, scales and bytes are streamed", async () => {
  const rows = Array.from({ length: 40 }, (_, row) => row);
  const x = {
    left: arrays(Uint8Array.from(rows), rows, { inputShape: [1], scale: 1 / 40 }).x,
    right: arrays(rows.map((row) => [Math.sin(row), 1]), rows).x,
  };
  const y = { sum: arrays([[0]], rows.slice(0, 1).map((row) => [row])).y };
  const sampleWeight = Float32Array.from(rows, (row) => row % 3);
  const sums = Float32Array.from(rows, (row) => row / 40 + Math.sin(row));
  const resident = {
    x,
    y: { sum: { ...y.sum, data: sums, shape: [40, 1] } },
    sampleWeight,
  };
  const streamed = streamedDataSet({
    samples: 40,
    x: {
      left: { shape: [1], type: "uint8", scale: 1 / 40 },
      right: { shape: [2], type: "float32" },
    },
    y: { sum: { shape: [1], type: "float32" } },
    sampleWeight: true,
    read(rows, batch) {
      rows.forEach((row, place) => {
        batch.x.left.data[place] = row;
        batch.x.right.data.set([Math.sin(row), 1], 2 * place);
        batch.y.sum.data[place] = sums[row];
        batch.sampleWeight![place] = sampleWeight[row];
      });
    },
  });
  const run = async (data: typeof resident | typeof streamed) => {
    const left = input([1]);
    const right = input([2]);
    const model = functional({
      inputs: { left, right },
      outputs: { sum: connect([left, right], concatenate(), dense(1)) },
      seed: 2,
    });
    const { logs } = await lastValueFrom(fit(model, data, {
      loss: { sum: meanSquaredError() },
      optimizer: sgd({ learningRate: 0.1 }),
      epochs: 3,
      batchSize: 7,
      ...cpu,
    }));
    return logs.loss;
  };
  assert.equal(await run(streamed), await run(resident));
});

/** One row of numbers, whatever `read` does with it. */
function broken(read: (x: Float32Array, y: Int32Array, row: number, place: number) => void) {
  return streamedDataSet({
    samples: 10,
    x: { shape: [1], type: "float32" },
    y: { shape: [], type: "int32" },
    classes: 3,
    name: "broken",
    read: (rows, { x, y }) =>
      rows.forEach((row, place) => read(x.data as Float32Array, y.data as Int32Array, row, place)),
  });
}

const faults: [title: string, data: DataSet, message: RegExp][] = [
  [
    "a reader that fails",
    broken(() => {
      throw new Error("the disk is gone");
    }),
    /^Cannot read 10 samples of "broken": the disk is gone$/,
  ],
  [
    "a class id that is out of range",
    broken((_, y, row, place) => y[place] = row === 4 ? 3 : 0),
    /^Cannot use the targets of sample 4 of "broken" .* class ids from 0 to 2: received 3$/,
  ],
  [
    "NaN among the inputs",
    broken((x, _, row, place) => x[place] = row === 7 ? NaN : 0),
    /^Cannot use the inputs of sample 7 of "broken" as they must be finite: received NaN$/,
  ],
];

for (const [title, data, message] of faults) {
  Deno.test(`${title} ends the run with the sample's number`, async () => {
    const model = sequential([input([1]), dense(3)]);
    const options = { loss: crossentropy, optimizer: sgd(), shuffle: false, ...cpu };
    await assert.rejects(lastValueFrom(fit(model, data, options)), { name: "DataError", message });
    await assert.rejects(evaluate(model, data, { loss: crossentropy, ...cpu }), { message });
  });
}

Deno.test("what cannot be streamed is refused at once", () => {
  const one = { shape: [1], type: "float32" } as const;
  const given = { samples: 3, x: one, y: one, read() {} };
  assert.throws(
    () => streamedDataSet({ ...given, samples: 0 }),
    /from 1 to 4294967295: received 0/,
  );
  assert.throws(
    () => streamedDataSet({ ...given, x: { shape: [1], type: "int32" } }),
    /the type of x must be uint8 or float32: received int32/,
  );
  assert.throws(
    () => streamedDataSet({ ...given, y: { a: { shape: [0.5], type: "float32" } } }),
    /the shape of y.a must hold whole numbers from 1: received \[0.5\]/,
  );
});

Deno.test("a streamed data set's own arrays are refused as inputs", async () => {
  await assert.rejects(
    predict(makeModel(), reader().data.x, cpu),
    /is that of 2457600 numbers: received 0 \(a streamed data set holds none: give the data set itself\)/,
  );
});

Deno.test("a run that is left while samples are being read ends quietly", async () => {
  const { data } = reader();
  await lastValueFrom(miniBatches(data, { ...cpu, batchSize: 32, epochs: 2 }).pipe(take(1)));
  const subscription = miniBatches(data, cpu).subscribe();
  await new Promise((done) => setTimeout(done, 1));
  subscription.unsubscribe();
  await new Promise((done) => setTimeout(done, 20));
});

Deno.test("an overflow that is seen late is found in a window that has gone", async () => {
  const huge = streamedDataSet({
    samples,
    x: { shape: [features], type: "float32" },
    y: { shape: [], type: "uint8" },
    read: (rows, { x }) =>
      rows.forEach((row, at) => x.data.fill(row === 20 ? 3e38 : 0, at * features)),
  });
  const model = sequential([input([features]), dense(3)]);
  const options = { loss: crossentropy, optimizer: sgd(), shuffle: false, ...cpu };
  await assert.rejects(
    lastValueFrom(fit(model, huge, options)),
    { name: "NonFiniteError", message: / at step 1, first in dense_1/ },
  );
});
