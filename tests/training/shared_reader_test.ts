/** Parts of a streamed data set, and runs at the same time, share its reader: it reads for one at a time. */
import assert from "node:assert/strict";
import { lastValueFrom, toArray } from "rxjs";
import {
  dense,
  evaluate,
  fit,
  input,
  meanSquaredError,
  sequential,
  sgd,
  streamedDataSet,
  trainValidationSplit,
} from "../../mod.ts";
import { mulberry32 } from "../core/ops/generator.ts";
import { weightsOf } from "./pipes.ts";

/** 16 KiB a sample: a window of 4 MiB holds 256 of them. */
const features = 4096;
const samples = 900;
const random = mulberry32(5);
const first = Float32Array.from({ length: samples }, () => random() - 0.5);

const turn = () => new Promise<void>((done) => setTimeout(done));
/** Calls of readers that are under way: a run that ends may leave one. */
let reading = 0;

/** Reads as from a file: the place that is sought is one for all who read. */
function file() {
  let place = 0;
  return streamedDataSet({
    samples,
    x: { shape: [features], type: "float32" },
    y: { shape: [1], type: "float32" },
    async read(rows, { x, y }) {
      reading++;
      for (const [at, row] of rows.entries()) {
        place = row;
        if (at % 32 === 0) await turn();
        x.data.fill(first[place], at * features, (at + 1) * features);
        y.data[at] = 2 * first[row];
      }
      reading--;
    },
  });
}

const options = {
  loss: meanSquaredError(),
  optimizer: sgd({ learningRate: 1e-5 }),
  batchSize: 32,
  epochs: 3,
  seed: 2,
  device: "cpu",
  threads: 1,
} as const;

async function train(stepsPerEpoch: number | undefined) {
  const { train, validation } = trainValidationSplit(file(), {
    validationSplit: 0.3,
    shuffle: true,
  });
  // Every feature of a sample is the same number, so that sums of them are not in question.
  const model = sequential([input([features]), dense(1, { kernelInitializer: "zeros" })]);
  const training = fit(model, train, { ...options, validation, stepsPerEpoch });
  const epochs = await lastValueFrom(training.pipe(toArray()));
  while (reading > 0) await turn();
  return { weights: await weightsOf(model), logs: epochs.map(({ logs }) => logs.val_loss), model };
}

Deno.test("what is read ahead to be trained on does not mix with what is validated", async () => {
  // 20 steps a pass: an epoch of 10 ends while the window after it is being read.
  const passes = await train(undefined);
  const halves = await train(10);
  assert.deepEqual(halves.logs[1], passes.logs[0]);
  assert.deepEqual((await train(10)).weights, halves.weights);
});

Deno.test("two who read a data set at the same time read the same samples as one alone", async () => {
  const data = file();
  const { model } = await train(undefined);
  const judged = { loss: meanSquaredError(), device: "cpu", threads: 1, batchSize: 100 } as const;
  const alone = await evaluate(model, data, judged);
  const both = await Promise.all([evaluate(model, data, judged), evaluate(model, data, judged)]);
  assert.deepEqual(both, [alone, alone]);
});
