// T7: regression, binary, multi-class and multi-label: which output goes with which loss.
import assert from "node:assert/strict";
import weatherCsv from "vega-datasets/data/seattle-weather.csv" with { type: "bytes" };
import { lastValueFrom } from "rxjs";
import {
  accuracy,
  adam,
  arrays,
  binaryAccuracy,
  binaryCrossentropy,
  type DataSet,
  dense,
  evaluate,
  fit,
  gradients,
  input,
  type Layer,
  type Loss,
  meanSquaredError,
  type Metric,
  parseCsv,
  predict,
  rootMeanSquaredError,
  sequential,
  sparseCategoricalCrossentropy,
  tableEncoder,
  type TargetColumn,
  tensor,
  trainValidationSplit,
} from "../../mod.ts";
import { assertClose } from "../core/nn/close.ts";
import { mulberry32 } from "../core/ops/generator.ts";
import { evaluateOn, testOnDevices } from "../devices.ts";

const weather = parseCsv(weatherCsv, { text: ["date", "weather"] });
const numeric = { type: "numeric" } as const;

/** Seattle's days with one column to predict. */
function days(target: TargetColumn): DataSet {
  const features = { temp_min: numeric, temp_max: numeric, wind: numeric, precipitation: numeric };
  const rest = Object.entries(features).filter(([name]) => name !== target.column);
  return tableEncoder({ features: Object.fromEntries(rest), target }).adapt(weather).dataSet(
    weather,
  );
}

/** Points with three properties that do not exclude each other: all, some or none of them hold. */
function properties(): DataSet {
  const random = mulberry32(7);
  const points = Array.from({ length: 600 }, () => [2 * random() - 1, 2 * random() - 1]);
  const labels = points.map(([x, y]) => [x > 0, y > x, x * x + y * y < 0.6].map(Number));
  return arrays(points, labels, { name: "properties, synthetic" });
}

interface Task {
  readonly name: string;
  readonly data: DataSet;
  /** Shape of the targets. */
  readonly targets: readonly number[];
  readonly output: Layer;
  readonly loss: Loss;
  readonly metric: Metric;
  /** What answering without looking at the inputs would give, and what must be reached. */
  readonly blind: number;
  readonly reached: (value: number) => boolean;
}

const classes = [641, 640, 101, 53, 26]; // rain, sun, fog, drizzle, snow
const tasks: Task[] = [
  {
    name: "regression: linear output, squared error",
    data: days({ column: "temp_max", type: "numeric" }),
    targets: [1461, 1],
    output: dense(1),
    loss: meanSquaredError(),
    metric: rootMeanSquaredError(),
    blind: 7.35, // the deviation of the temperatures
    reached: (degrees) => degrees < 4,
  },
  {
    name: "binary: sigmoid output, binary cross-entropy",
    data: days({ column: "weather", type: "binary", positive: "rain" }),
    targets: [1461, 1],
    output: dense(1, { activation: "sigmoid" }),
    loss: binaryCrossentropy(),
    metric: binaryAccuracy(),
    blind: 1 - classes[0] / 1461,
    reached: (share) => share > 0.85,
  },
  {
    name: "multi-class: softmax output, categorical cross-entropy",
    data: days({ column: "weather", type: "categorical" }),
    targets: [1461],
    output: dense(5, { activation: "softmax" }),
    loss: sparseCategoricalCrossentropy(),
    metric: accuracy(),
    blind: classes[0] / 1461,
    reached: (share) => share > 0.75,
  },
  {
    name: "multi-label: sigmoid outputs, binary cross-entropy",
    data: properties(),
    targets: [600, 3],
    output: dense(3, { activation: "sigmoid" }),
    loss: binaryCrossentropy(),
    metric: binaryAccuracy(),
    blind: 0.5,
    reached: (share) => share > 0.93,
  },
];

for (const { name, data, targets, output, loss, metric, blind, reached } of tasks) {
  await testOnDevices(`T7: ${name}`, async (device) => {
    assert.deepEqual(data.y.shape, targets);
    assert(!reached(blind), "who does not look would pass");
    const { train, validation } = trainValidationSplit(data, {
      validationSplit: 0.25,
      shuffle: true,
      seed: 3,
    });
    const model = sequential([
      input(data.x.shape.slice(1)),
      dense(16, { activation: "relu" }),
      output,
    ], { seed: 42 });
    const judged = { loss, metrics: [metric], ...device };
    const before = await evaluate(model, validation, judged);
    const optimizer = adam({ learningRate: 0.02 });
    const settings = { ...judged, optimizer, epochs: 20, batchSize: 64, seed: 42 };
    await lastValueFrom(fit(model, train, settings));
    const after = await evaluate(model, validation, judged);
    assert(after.loss < before.loss, `${before.loss} to ${after.loss}`);
    assert(reached(after[metric.name]), `${metric.name} ${after[metric.name]}, blind ${blind}`);

    const units = output.config!.units as number;
    const { data: answers, shape } = await predict(model, validation.x, device);
    assert.deepEqual(shape, [validation.x.shape[0], units]);
    const sums = Array.from(
      { length: shape[0] },
      (_, row) =>
        answers.slice(row * units, row * units + units).reduce((sum, answer) => sum + answer, 0),
    );
    const probabilities = answers.every((answer) => answer >= 0 && answer <= 1);
    assert.equal(
      probabilities,
      !name.startsWith("regression"),
      "all but numbers are probabilities",
    );
    const exclusive = sums.every((sum) => Math.abs(sum - 1) < 1e-5);
    assert.equal(
      exclusive,
      name.startsWith("multi-class"),
      "only of exclusive classes one is right",
    );
  });
}

await testOnDevices("T7: with its own loss each output has the slope a − y", async (device) => {
  const z = tensor([[1.5, -0.5, 0.25], [-2, 0, 3]]);
  const [ids, rows] = [tensor([2, 0]), tensor([[0, 0, 1], [1, 0, 0]])];
  // The loss of a sample is a mean over its outputs, but for the softmax's.
  const pairs = [
    { a: z, loss: meanSquaredError().apply(rows, z), factor: 2 / 3 },
    { a: z.sigmoid(), loss: binaryCrossentropy().apply(rows, z.sigmoid()), factor: 1 / 3 },
    { a: z.softmax(), loss: sparseCategoricalCrossentropy().apply(ids, z.softmax()), factor: 1 },
  ];
  for (const { a, loss, factor } of pairs) {
    const [slope] = gradients(loss.sum(), [z]);
    const [found, expected] = await evaluateOn(device, [slope, a.sub(rows).mul(factor)]);
    assertClose(found, expected, 5e-6);
  }
});
