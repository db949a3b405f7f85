/** Windows over a series: which steps they hold, by Keras's documented examples, and what they train. */
import assert from "node:assert/strict";
import { lastValueFrom } from "rxjs";
import { DataError } from "../../core/graph/errors.ts";
import {
  type DataSet,
  dense,
  fit,
  input,
  lstm,
  meanSquaredError,
  predict,
  rmsprop,
  sampleCount,
  sequential,
  timeSeriesDataSet,
} from "../../mod.ts";

const cpu = { device: "cpu", threads: 1 } as const;

/** All windows with their targets. */
async function windowsOf(data: DataSet): Promise<{ x: number[][]; y: number[] }> {
  const samples = sampleCount(data);
  const [, ...shape] = data.x.shape;
  const size = shape.reduce((product, axis) => product * axis, 1);
  const Inputs = data.x.data.constructor as Float32ArrayConstructor;
  const Targets = data.y.data.constructor as Float32ArrayConstructor;
  const batch = {
    x: { ...data.x, data: new Inputs(samples * size) },
    y: { ...data.y, data: new Targets(samples) },
  };
  await data.read!(Uint32Array.from({ length: samples }, (_, at) => at), batch);
  return {
    x: Array.from(
      { length: samples },
      (_, at) => [...batch.x.data.slice(at * size, at * size + size)],
    ),
    y: [...batch.y.data],
  };
}

const count = (length: number) => Array.from({ length }, (_, at) => at);

Deno.test("windows are those of Keras's example: every third step, of every second one", async () => {
  const data = timeSeriesDataSet(count(99), count(99), {
    sequenceLength: 10,
    samplingRate: 2,
    sequenceStride: 3,
  });
  assert.deepEqual(data.x.shape, [27, 10, 1]);
  const { x, y } = await windowsOf(data);
  assert.deepEqual(x[0], [0, 2, 4, 6, 8, 10, 12, 14, 16, 18]);
  assert.deepEqual(x[2], [6, 8, 10, 12, 14, 16, 18, 20, 22, 24]);
  assert.deepEqual(x.at(-1), [78, 80, 82, 84, 86, 88, 90, 92, 94, 96]);
  assert.deepEqual(y, count(27).map((at) => 3 * at));
  // The last window begins within a stride of the end.
  const short = timeSeriesDataSet(count(10), count(10), { sequenceLength: 2, sequenceStride: 4 });
  assert.deepEqual((await windowsOf(short)).x, [[0, 1], [4, 5], [8, 9]]);
});

Deno.test("a target is that of the window's first step, and both stay in their part", async () => {
  const series = count(20).map((at) => [at, at / 2]);
  const next = count(20).slice(4);
  const options = { sequenceLength: 4 };
  const all = await windowsOf(timeSeriesDataSet(series, next, options));
  assert.deepEqual(all.x.length, 16, "the last step is nobody's target but the last window's");
  assert.deepEqual(all.x[3], [3, 1.5, 4, 2, 5, 2.5, 6, 3]);
  assert.deepEqual(all.y, next);
  const late = await windowsOf(timeSeriesDataSet(series, next, { ...options, startIndex: 12 }));
  assert.deepEqual(late, { x: all.x.slice(12), y: all.y.slice(12) });
  const early = await windowsOf(timeSeriesDataSet(series, next, { ...options, endIndex: 12 }));
  assert.deepEqual(early, { x: all.x.slice(0, 9), y: all.y.slice(0, 9) });
});

Deno.test("bytes stay bytes, with their scale, and class ids are class ids", async () => {
  const bytes = { data: Uint8Array.from(count(12)), shape: [6, 2], scale: 0.5 };
  const data = timeSeriesDataSet(bytes, [0, 1, 2, 0, 1, 2], { sequenceLength: 2, classes: 3 });
  assert(data.x.data instanceof Uint8Array && data.y.data instanceof Uint8Array);
  assert.deepEqual([data.x.shape, data.y.shape, data.classes], [[5, 2, 2], [5], 3]);
  assert.deepEqual((await windowsOf(data)).x[4], [8, 9, 10, 11]);
  const sum = sequential([input([2, 2]), lstm(1), dense(1)], { seed: 1 });
  const windows = { data: Float32Array.of(4, 4.5, 5, 5.5), shape: [1, 2, 2] };
  const { data: made } = await predict(sum, data, cpu);
  assert.deepEqual([made[4]], [...(await predict(sum, windows, cpu)).data]);
});

Deno.test("what cannot be cut is refused", () => {
  const cut = (options: object, series: number[] = count(10)) => () =>
    timeSeriesDataSet(series, count(10), { sequenceLength: 3, ...options });
  const wrong = [
    [cut({ sequenceLength: 0 }), /sequenceLength must be a whole number from 1: received 0/],
    [cut({ samplingRate: 1.5 }), /samplingRate must be a whole number from 1: received 1.5/],
    [cut({ sequenceStride: -1 }), /sequenceStride must be a whole number from 1: received -1/],
    [cut({ startIndex: 11 }), /startIndex must be a whole number from 0 to 10: received 11/],
    [cut({ sequenceLength: 11 }), /11 steps are needed for one.*received 10 steps/],
    [cut({ startIndex: 8, endIndex: 4 }), /received 0 steps/],
    [cut({ samplingRate: 5 }), /11 steps are needed/],
    [() => timeSeriesDataSet(count(3), count(3), undefined as never), /sequenceLength/],
    [cut({}, ["a"] as never), /finite float32 number/],
  ] as const;
  for (const [make, message] of wrong) {
    assert.throws(make, (error) => error instanceof DataError && message.test(error.message));
  }
});

Deno.test("a recurrent network learns to tell the next step of a wave", async () => {
  const wave = count(400).map((at) => [Math.sin(at / 5)]);
  const options = { sequenceLength: 8 };
  const next = wave.slice(options.sequenceLength);
  const model = sequential([input([8, 1]), lstm(8), dense(1)], { seed: 4 });
  const { logs } = await lastValueFrom(fit(
    model,
    timeSeriesDataSet(wave, next, { ...options, endIndex: 300 }),
    {
      ...cpu,
      loss: meanSquaredError(),
      optimizer: rmsprop({ learningRate: 0.01 }),
      validation: timeSeriesDataSet(wave, next, { ...options, startIndex: 300 }),
      epochs: 20,
    },
  ));
  assert(logs.val_loss < 0.01, `${logs.val_loss}`);
});
