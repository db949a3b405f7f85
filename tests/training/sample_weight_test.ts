/** Weights of samples and classes: what they do to losses, slopes, metrics and validation. */
import assert from "node:assert/strict";
import { lastValueFrom, toArray } from "rxjs";
import {
  accuracy,
  arrays,
  binaryCrossentropy,
  categoricalCrossentropy,
  classWeight,
  type ClassWeights,
  type DataSet,
  dense,
  type DeviceOptions,
  evaluate,
  fit,
  type FitOptions,
  forward,
  input,
  type Loss,
  loss,
  meanSquaredError,
  miniBatches,
  type Reduction,
  sequential,
  sgd,
  sparseCategoricalCrossentropy,
  trainValidationSplit,
} from "../../mod.ts";
import { mulberry32 } from "../core/ops/generator.ts";
import { testOnDevices } from "../devices.ts";
import { weightsOf } from "./pipes.ts";

function close(actual: number, expected: number, within = 1e-5): void {
  assert.ok(
    Math.abs(actual - expected) <= within * (1 + Math.abs(expected)),
    `${actual} for ${expected}`,
  );
}

/** System T6: 5 samples of class 1 among 75; each counts five times. */
const rare = new Set([3, 17, 40, 41, 70]);
const labels = Array.from({ length: 75 }, (_, place) => rare.has(place) ? 1 : 0);
const zeros = labels.map(() => [0]);
const logits = { fromLogits: true } as const;

/** Logs of one step from zero weights at a rate of 1, and the bias after it: minus its slope. */
async function biasStep(outputs: number, options: FitOptions, targets: DataSet) {
  const model = sequential([input([1]), dense(outputs, { kernelInitializer: "zeros" })]);
  const [{ logs }] = await lastValueFrom(
    fit(model, targets, { batchSize: 75, ...options }).pipe(toArray()),
  );
  return { logs, bias: (await weightsOf(model))["dense_1/bias"] };
}

const optimizer = sgd({ learningRate: 1 });

await testOnDevices("T6: a class counts five times in a binary loss", async (device) => {
  const data = arrays(zeros, labels);
  const options = { loss: binaryCrossentropy(logits), optimizer, ...device };
  const { logs, bias } = await biasStep(1, {
    ...options,
    classWeight: { 0: 1, 1: 5 },
    validation: data,
    metrics: [accuracy()],
    weightedMetrics: [accuracy()],
  }, data);
  // 70 samples count once and 5 five times; the sum is divided by the 75 samples.
  close(logs.loss, (70 + 5 * 5) / 75 * Math.LN2);
  close(bias[0], -(70 * 0.5 - 5 * 5 * 0.5) / 75);
  // A logit of 0 is not above ½: the answer is no.
  close(logs.accuracy, 70 / 75);
  close(logs.weighted_accuracy, 70 / 95);
  // Validation knows nothing of classes' weights.
  const softplus = (x: number) => Math.log1p(Math.exp(x));
  close(logs.val_loss, (70 * softplus(bias[0]) + 5 * softplus(-bias[0])) / 75);
  close(logs.val_weighted_accuracy, 70 / 75);
  const plain = await biasStep(1, options, data);
  close(plain.bias[0], -(70 * 0.5 - 5 * 0.5) / 75);
});

const ofThree: [name: string, loss: Loss, data: DataSet][] = [
  ["labels", sparseCategoricalCrossentropy(logits), arrays(zeros, labels, { classes: 3 })],
  [
    "one-hot rows",
    categoricalCrossentropy(logits),
    arrays(zeros, labels.map((label) => [0, 1, 2].map((k) => k === label ? 1 : 0))),
  ],
];
for (const [name, lossFunction, data] of ofThree) {
  await testOnDevices(
    `T6: a class counts five times in a multi-class loss of ${name}`,
    async (device) => {
      const options = { loss: lossFunction, optimizer, ...device };
      const { logs, bias } = await biasStep(3, { ...options, classWeight: [1, 5] }, data);
      close(logs.loss, 95 / 75 * Math.log(3));
      [70, 25, 0].forEach((right, k) => close(bias[k], -(95 / 3 - right) / 75));
    },
  );
}

Deno.test("T6: with weights a network finds the odds of the weighted classes", async () => {
  const model = sequential([input([1]), dense(1)]);
  const training = fit(model, arrays(zeros, labels), {
    loss: binaryCrossentropy(logits),
    optimizer: sgd({ learningRate: 2 }),
    classWeight: { 1: 5 },
    batchSize: 75,
    epochs: 300,
    device: "cpu",
    threads: 1,
  });
  await lastValueFrom(training);
  close((await weightsOf(model))["dense_1/bias"][0], Math.log(25 / 70), 1e-4);
});

const random = mulberry32(5);
const xs = Array.from({ length: 10 }, () => [random() * 2 - 1]);
const ys = xs.map(() => [random()]);
const sampleWeight = xs.map((_, place) => place % 4 === 1 ? 0 : random() * 3);
const weighted = arrays(xs, ys, { sampleWeight });
const losses = ys.map(([y]) => y * y);
const total = losses.reduce((sum, value, place) => sum + value * sampleWeight[place], 0);
const sumOfWeights = sampleWeight.reduce((sum, value) => sum + value, 0);

/** Values by hand: of a model that gives 0, with a kernel k whose slope is Σ w · (−2xy). */
const expected: Record<Reduction, { loss: number; share: number }> = {
  sumOverBatchSize: { loss: total / 10, share: 1 / 10 },
  sum: { loss: total, share: 1 },
  meanWithSampleWeight: { loss: total / sumOfWeights, share: 1 / sumOfWeights },
};

for (const reduction of Object.keys(expected) as Reduction[]) {
  await testOnDevices(`weights of samples, and the reduction ${reduction}`, async (device) => {
    const model = sequential([
      input([1]),
      dense(1, { kernelInitializer: "zeros", useBias: false }),
    ]);
    const options = { loss: meanSquaredError(), reduction, ...device };
    const before = await evaluate(model, weighted, options);
    close(before.loss, expected[reduction].loss);
    const [{ logs }] = await lastValueFrom(
      fit(model, weighted, {
        ...options,
        optimizer: sgd({ learningRate: 0.1 }),
        batchSize: 10,
        validation: weighted,
      }).pipe(toArray()),
    );
    close(logs.loss, expected[reduction].loss);
    const slope = xs.reduce(
      (sum, [x], place) => sum - 2 * x * ys[place][0] * sampleWeight[place],
      0,
    );
    const kernel = -0.1 * slope * expected[reduction].share;
    close((await weightsOf(model))["dense_1/kernel"][0], kernel);
    const after = xs.reduce(
      (sum, [x], place) => sum + (kernel * x - ys[place][0]) ** 2 * sampleWeight[place],
      0,
    );
    close(logs.val_loss, after * expected[reduction].share);
  });
}

await testOnDevices(
  "logs over an epoch are those of its batches, the last not full",
  async (device) => {
    const model = () => sequential([input([1]), dense(1, { kernelInitializer: "zeros" })]);
    const still = sgd({ learningRate: 0 });
    const log = async (reduction: Reduction) => {
      const options = {
        loss: meanSquaredError(),
        optimizer: still,
        batchSize: 4,
        reduction,
        ...device,
      };
      return (await lastValueFrom(fit(model(), weighted, { ...options, shuffle: false }))).logs
        .loss;
    };
    close(await log("sumOverBatchSize"), total / 10);
    close(await log("meanWithSampleWeight"), total / sumOfWeights);
    const parts = [[0, 4], [4, 8], [8, 10]].map(([start, end]) =>
      (end - start) * losses.slice(start, end).reduce(
        (sum, value, place) => sum + value * sampleWeight[start + place],
        0,
      )
    );
    close(await log("sum"), parts.reduce((sum, part) => sum + part, 0) / 10);
  },
);

await testOnDevices("where all weights are 0 the loss is 0 and nothing moves", async (device) => {
  const nothing = arrays(xs, ys, { sampleWeight: xs.map(() => 0) });
  const model = sequential([input([1]), dense(1)]);
  const before = await weightsOf(model);
  const values: number[] = [];
  const pipe = fit(model, nothing, {
    loss: meanSquaredError(),
    reduction: "meanWithSampleWeight",
    optimizer,
    ...device,
  });
  await pipe.forEach(({ logs }) => void values.push(logs.loss));
  assert.deepEqual(values, [0]);
  assert.deepEqual(await weightsOf(model), before);
});

/** The weight of each sample in a batch of four. */
async function weightsSeen(
  targets: Parameters<typeof arrays>[1],
  weights: ClassWeights,
  options: DeviceOptions,
  more: Parameters<typeof arrays>[2] = {},
): Promise<number[]> {
  const seen: Promise<ArrayLike<number>>[] = [];
  const data = arrays([[1], [2], [3], [4]], targets, more);
  await miniBatches(data, { shuffle: false, ...options }).pipe(
    classWeight(weights),
    forward(sequential([input([1]), dense(1)])),
  ).forEach((step) => void seen.push(step.sampleWeight!.data()));
  return Array.from(await seen[0]);
}

await testOnDevices("the weight of a class is exact, for targets of every kind", async (device) => {
  const third = Math.fround(1 / 3);
  const weights = { 1: 1 / 3, 3: 0 };
  assert.deepEqual(await weightsSeen([0, 1, 2, 3], weights, device, { classes: 4 }), [
    1,
    third,
    1,
    0,
  ]);
  assert.deepEqual(await weightsSeen([1, 1, 5, 3], weights, device, { classes: 9 }), [
    third,
    third,
    1,
    0,
  ]);
  assert.deepEqual(await weightsSeen([1, 0, 3, 0.9], weights, device), [third, 1, 0, third]);
  const rows = [[0, 1], [1, 0], [0, 1], [1, 0]];
  assert.deepEqual(await weightsSeen(rows, [2, 7], device), [7, 2, 7, 2]);
  const both = { classes: 2, sampleWeight: [1, 2, 3, 4] };
  assert.deepEqual(await weightsSeen([0, 1, 1, 0], [2, 7], device, both), [2, 14, 21, 8]);
});

Deno.test("weights go with their samples when data are split, and are refused when wrong", () => {
  const data = arrays(xs, ys, { sampleWeight: xs.map((_, place) => place) });
  const plain = trainValidationSplit(data, { validationSplit: 0.3 });
  assert.deepEqual([...plain.validation.sampleWeight!], [7, 8, 9]);
  const { train, validation } = trainValidationSplit(data, { validationSplit: 0.3, shuffle: true });
  for (const part of [train, validation]) {
    part.sampleWeight!.forEach((place, row) => {
      assert.equal(part.x.data[row], Math.fround(xs[place][0]));
      assert.equal(part.y.data[row], Math.fround(ys[place][0]));
    });
  }
  assert.throws(() => arrays([[1], [2]], [1, 2], { sampleWeight: [1] }), /1 weights for 2 samples/);
  assert.throws(
    () => arrays([[1]], [1], { sampleWeight: [-1] }),
    /at least 0: received -1 at sample 0/,
  );
  assert.throws(() => arrays([[1]], [1], { sampleWeight: [NaN] }), /received NaN at sample 0/);
});

Deno.test("wrong weights of classes and unknown reductions are refused", async () => {
  assert.throws(() => classWeight({}), /at least one must be given/);
  assert.throws(() => classWeight({ 1: -2 }), /the classWeight of 1 .* at least 0: received -2/);
  assert.throws(() => classWeight({ 0.5: 2 }), /whole number from 0 below 65536: received "0.5"/);
  assert.throws(
    () => loss(meanSquaredError(), { reduction: "mean" as "sum" }),
    /one of sumOverBatchSize, sum, meanWithSampleWeight: received "mean"/,
  );
  const wide = arrays(new Float32Array(4), [[[1, 0], [0, 1]], [[1, 0], [0, 1]]]);
  const run = miniBatches(wide, { device: "cpu", threads: 1 }).pipe(classWeight([1, 2]));
  await assert.rejects(lastValueFrom(run), /labels \[batch\] or one-hot rows .* \[2, 2, 2\]/);
});

Deno.test("weights are one a sample, whatever further axes a loss of one's own has", async () => {
  const x = [[1, 2], [3, -1], [0.5, 4], [2, 2], [-1, 1]];
  const y = x.map(([a, b]) => [a - b, a * b]);
  const data = arrays(x, y, { sampleWeight: [0, 1, 2, 3, 4] });
  const logs = (apply: Loss["apply"]) =>
    evaluate(sequential([input([2]), dense(2)], { seed: 1 }), data, {
      loss: { name: "own", apply },
      batchSize: 2,
      device: "cpu",
      threads: 1,
    });
  const squares: Loss["apply"] = (targets, outputs) => outputs.sub(targets).square();
  const { loss: expected } = await logs((...pair) => squares(...pair).mean(-1));
  close((await logs(squares)).loss, expected);
  close((await logs((...pair) => squares(...pair).mean(-1, { keepDims: true }))).loss, expected);
  await assert.rejects(
    logs((...pair) => squares(...pair).mean()),
    /by own as its apply must give a number for each sample, \[2\] f32: received .*\[\] f32 \(take/,
  );
  await assert.rejects(logs(() => 3 as never), /a number for each sample, \[2\] f32: received 3/);
});
