/** Weights of classes where targets are labels of steps: each step has that of its class. */
import assert from "node:assert/strict";
import { lastValueFrom } from "rxjs";
import {
  accuracy,
  arrays,
  backward,
  classWeight,
  type ClassWeights,
  dense,
  embedding,
  epochs,
  forward,
  input,
  loss,
  type LossOptions,
  measureWeighted,
  miniBatches,
  predict,
  sequential,
  sgd,
  sparseCategoricalCrossentropy,
  update,
} from "../../mod.ts";
import { assertClose } from "../core/nn/close.ts";
import { testOnDevices } from "../devices.ts";

const words = [[1, 2, 3, 0], [4, 1, 0, 0], [3, 3, 2, 4], [2, 0, 0, 0]];
const weights = [1, 5, 0.5];
const sampleWeight = [1, 2, 0.5, 3];
const tags = words.map((row, sample) =>
  row.map((word, at) => word === 0 ? 0 : (sample + at) % 4 === 3 ? -1 : (word + at) % 3)
);

function tagger(maskZero: boolean) {
  const embeddingsInitializer = "glorotNormal";
  return sequential([input([4]), embedding(5, 3, { maskZero, embeddingsInitializer }), dense(3)], {
    seed: 4,
  });
}

function dataOf(weighted: boolean) {
  const { x } = arrays(words, words);
  const y = { data: Int32Array.from(tags.flat()), shape: [4, 4] };
  return { x, y, ...(weighted && { sampleWeight: Float32Array.from(sampleWeight) }) };
}

await testOnDevices("a step counts by the weight of its label's class", async (device) => {
  const cases: [LossOptions["reduction"], maskZero: boolean, weighted: boolean][] = [
    ["sumOverBatchSize", false, false],
    ["sumOverBatchSize", true, true],
    ["meanWithSampleWeight", true, false],
  ];
  for (const [reduction, maskZero, weighted] of cases) {
    const model = tagger(maskZero);
    const { data: logits } = await predict(model, dataOf(false).x, { device: "reference" });
    let [sum, right, total, count] = [0, 0, 0, 0];
    tags.flat().forEach((tag, at) => {
      if (tag < 0 || (maskZero && words.flat()[at] === 0)) return;
      const row = [...logits.slice(3 * at, 3 * at + 3)];
      const sample = weighted ? sampleWeight[Math.floor(at / 4)] : 1;
      const weight = weights[tag] * sample;
      sum += weight * (Math.log(row.reduce((all, one) => all + Math.exp(one), 0)) - row[tag]);
      if (row.indexOf(Math.max(...row)) === tag) right += weight;
      total += weight;
      count++;
    });
    const steps = miniBatches(dataOf(weighted), { ...device, batchSize: 4, shuffle: false }).pipe(
      classWeight(weights),
      forward(model),
      loss(sparseCategoricalCrossentropy({ fromLogits: true, ignoreClass: -1 }), { reduction }),
      backward(),
      update(sgd({ learningRate: 0 })),
      measureWeighted(accuracy()),
    );
    const { logs } = await lastValueFrom(steps.pipe(epochs()));
    const by = reduction === "meanWithSampleWeight" ? total : count;
    assertClose([logs.loss], [sum / by], 1e-5, `${reduction}, mask ${maskZero}`);
    assertClose([logs.accuracy], [right / total], 1e-6, "accuracy");
  }
});

Deno.test("classes are weighted once in a pipe", async () => {
  const steps = miniBatches(dataOf(false), { device: "cpu", threads: 1 }).pipe(
    classWeight(weights),
    classWeight(weights),
  );
  await assert.rejects(lastValueFrom(steps), /weight classes twice in one pipe/);
});

Deno.test("the weight of a class that outputs have no place for is refused", async () => {
  const digits = arrays([[1], [2], [3]], [0, 1, 1], { classes: 2 });
  const run = (given: ClassWeights) =>
    lastValueFrom(
      miniBatches(digits, { device: "cpu", threads: 1 }).pipe(
        classWeight(given),
        forward(sequential([input([1]), dense(2)])),
        loss(sparseCategoricalCrossentropy({ fromLogits: true })),
      ),
    );
  await run({ 0: 1, 1: 3 });
  await run([1, 3]);
  await assert.rejects(run({ 1: 1, 2: 3 }), (error: Error) => {
    assert(error instanceof RangeError);
    return /^Cannot weight class 2 as outputs have the classes 0 to 1 alone/.test(error.message);
  });
});
