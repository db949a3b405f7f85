/** Predictions and explanations of a data set whose rows are read, to the bits of one in memory. */
import assert from "node:assert/strict";
import { filter, lastValueFrom, map, take, tap, toArray } from "rxjs";
import {
  addLayer,
  arrays,
  connect,
  type DataSet,
  dense,
  explain,
  functional,
  input,
  inputTimesGradient,
  predict,
  predictions,
  sequential,
  simpleRnn,
  streamedDataSet,
  trainValidationSplit,
} from "../../mod.ts";
import { mulberry32 } from "../core/ops/generator.ts";
import { deviceTest } from "./devices.ts";

/** 32 KiB a sample: a window holds seven batches of 16. */
const features = 8192;
const samples = 300;
const random = mulberry32(29);
const values = Float32Array.from({ length: samples * features }, () => random() - 0.5);
const stored = arrays(values, new Uint8Array(samples), { inputShape: [features] });

/** The same samples, read in the next turn of the event loop; counts what is asked for. */
function reader(): { data: DataSet; reads: number[] } {
  const reads = new Array(samples).fill(0);
  const data = streamedDataSet({
    samples,
    x: { shape: [features], type: "float32" },
    y: { shape: [], type: "uint8" },
    async read(rows, { x }) {
      await new Promise((done) => setTimeout(done));
      for (const [place, row] of rows.entries()) {
        reads[row]++;
        x.data.set(values.subarray(row * features, (row + 1) * features), place * features);
      }
    },
  });
  return { data, reads };
}

const model = sequential([
  input([features]),
  dense(8, { activation: "tanh" }),
  dense(3, { activation: "softmax" }),
], { seed: 3 });

await deviceTest("a streamed data set is predicted to the same bits", async (device) => {
  const { data, reads } = reader();
  const options = { device, batchSize: 16 };
  const whole = await predict(model, stored.x, options);
  assert.deepEqual(await predict(model, data, options), whole);
  assert.deepEqual(reads, reads.map(() => 1), "each sample is read once");
  assert.deepEqual(await predict(model, stored, options), whole, "or of a data set in memory");
  assert(new Set(whole.data).size > samples, "outputs differ");

  const parts = predictions(model, reader().data, options).pipe(
    tap(({ start, samples: count, outputs }) => {
      assert.deepEqual(outputs.data, whole.data.subarray(3 * start, 3 * (start + count)));
    }),
    map(({ start }) => start),
    toArray(),
  );
  assert.deepEqual(
    await lastValueFrom(parts),
    Array.from({ length: 19 }, (_, batch) => 16 * batch),
  );
});

const cpu = { device: "cpu", threads: 1 } as const;

Deno.test("parts of a streamed data set are predicted, and states go on from batch to batch", async () => {
  const split = { validationSplit: 0.2, shuffle: true, seed: 3 };
  const streamed = trainValidationSplit(reader().data, split).validation;
  const resident = trainValidationSplit(stored, split).validation;
  assert.deepEqual(await predict(model, streamed, cpu), await predict(model, resident.x, cpu));

  const make = () =>
    sequential([input([2, features / 2]), simpleRnn(4, { stateful: true, batchSize: 10 })], {
      seed: 1,
    });
  const films = (data: DataSet): DataSet => ({
    ...data,
    x: { ...data.x, shape: [samples, 2, features / 2] },
  });
  assert.deepEqual(
    await predict(make(), films(reader().data), cpu),
    await predict(make(), films(stored).x, cpu),
  );
});

Deno.test("a streamed data set is explained to the same bits", async () => {
  const explained = (inputs: DataSet | DataSet["x"], target: number | "predicted") =>
    lastValueFrom(
      predictions(model, inputs, { ...cpu, batchSize: 40 }).pipe(
        explain(inputTimesGradient(), { target, batchSize: 7 }),
        filter(({ start }) => start >= 240),
        map(({ explanations }) => explanations.inputTimesGradient),
        toArray(),
      ),
    );
  for (const target of [2, "predicted"] as const) {
    const expected = await explained(stored.x, target);
    assert(expected.length === 2 && expected[0].data.some((value) => value !== 0));
    assert.deepEqual(await explained(reader().data, target), expected);
  }
});

Deno.test("inputs by name are read, and a model of inputs x and y takes those", async () => {
  const [x, y] = [input([2]), input([1])];
  const both = functional({
    inputs: { x, y },
    outputs: connect([connect(x, dense(1)), y], addLayer()),
  });
  const named = arrays({ x: [[1, 2], [3, 4]], y: [[5], [6]] }, [0, 0]).x;
  const expected = await predict(both, named, cpu);
  const data = streamedDataSet({
    samples: 2,
    x: { x: { shape: [2], type: "float32" }, y: { shape: [1], type: "float32" } },
    y: { shape: [], type: "uint8" },
    read: (rows, batch) =>
      rows.forEach((row, place) => {
        batch.x.x.data.set(named.x.data.subarray(2 * row, 2 * row + 2), 2 * place);
        batch.x.y.data[place] = named.y.data[row];
      }),
  });
  assert.deepEqual(await predict(both, data, cpu), expected);
});

Deno.test("a reader that fails ends the stream, and one that is left ends quietly", async () => {
  const broken = streamedDataSet({
    samples,
    x: { shape: [features], type: "float32" },
    y: { shape: [], type: "uint8" },
    name: "broken",
    read(rows) {
      if (rows.includes(200)) throw new Error("the disk is gone");
    },
  });
  let batches = 0;
  const parts = predictions(model, broken, { ...cpu, batchSize: 16 }).pipe(tap(() => batches++));
  await assert.rejects(lastValueFrom(parts), {
    name: "DataError",
    message: /^Cannot read 112 samples of "broken": the disk is gone$/,
  });
  assert.equal(batches, 7, "what was read before is predicted");
  await lastValueFrom(predictions(model, reader().data, { ...cpu, batchSize: 16 }).pipe(take(1)));
  await new Promise((done) => setTimeout(done, 20));
});
