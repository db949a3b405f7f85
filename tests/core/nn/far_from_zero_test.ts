/** Metrics that tell deviations keep them where numbers are far from zero, against float64. */
import assert from "node:assert/strict";
import { lastValueFrom } from "rxjs";
import {
  arrays,
  concordanceCorrelation,
  evaluate,
  fit,
  input,
  lambda,
  meanSquaredError,
  type Metric,
  metricValue,
  pearsonCorrelation,
  r2Score,
  sequential,
  sgd,
  tensor,
} from "../../../mod.ts";
import { mulberry32 } from "../ops/generator.ts";
import { testOnDevices } from "../../devices.ts";

const samples = 500;
const random = mulberry32(41);
const normal = () => Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random());

/** Numbers about 10,000, whose deviation is 1 and whose mean drifts, and answers that are near. */
const targets = Float32Array.from({ length: samples }, (_, row) => 1e4 + normal() + row / samples);
const answers = Float32Array.from(targets, (value) => value + 0.4 * normal() + 0.2);
const sampleWeight = Float32Array.from({ length: samples }, (_, row) => row % 4);

/** What the metrics are of these very float32 numbers, by the definitions, in float64. */
function expected(weights: ArrayLike<number>): Record<string, number> {
  const sum = (of: (row: number) => number) =>
    targets.reduce((total, _, row) => total + weights[row] * of(row), 0);
  const count = sum(() => 1);
  const [a, b] = [sum((row) => targets[row]) / count, sum((row) => answers[row]) / count];
  const aa = sum((row) => (targets[row] - a) ** 2) / count;
  const bb = sum((row) => (answers[row] - b) ** 2) / count;
  const ab = sum((row) => (targets[row] - a) * (answers[row] - b)) / count;
  const errors = sum((row) => (targets[row] - answers[row]) ** 2) / count;
  return {
    r2_score: 1 - errors / aa,
    pearson_correlation: ab / Math.sqrt(aa * bb),
    concordance_correlation: 2 * ab / (aa + bb + (a - b) ** 2),
  };
}

const metrics = (): Metric[] => [
  r2Score(),
  pearsonCorrelation({ axis: 0 }),
  concordanceCorrelation({ axis: 0 }),
];

function assertNear(found: Record<string, number>, weights: ArrayLike<number>, prefix = "") {
  for (const [name, value] of Object.entries(expected(weights))) {
    const difference = Math.abs(found[prefix + name] - value);
    assert.ok(difference < 2e-6, `${prefix}${name}: ${found[prefix + name]}, expected ${value}`);
  }
}

const columns = (values: Float32Array) => Array.from(values, (value) => [value]);
const data = arrays(columns(answers), columns(targets), { sampleWeight });
const same = () => sequential([input([1]), lambda((x) => x.mul(1))]);

await testOnDevices(
  "deviations about 10,000 are those of float64, over batches",
  async (device) => {
    const found = await evaluate(same(), data, {
      loss: meanSquaredError(),
      metrics: metrics(),
      weightedMetrics: metrics(),
      batchSize: 120,
      ...device,
    });
    assertNear(found, targets.map(() => 1));
    assertNear(found, sampleWeight, "weighted_");
  },
);

Deno.test("of one batch, in training and in validation, too", async () => {
  const { logs } = await lastValueFrom(fit(same(), data, {
    loss: meanSquaredError(),
    optimizer: sgd({ learningRate: 0 }),
    metrics: metrics(),
    validation: data,
    batchSize: 33,
    device: "cpu",
    threads: 2,
  }));
  assertNear(logs, targets.map(() => 1));
  assertNear(logs, targets.map(() => 1), "val_");
  for (const metric of metrics()) {
    const value = await metricValue(metric, tensor(targets), tensor(answers));
    assertNear(
      { ...expected(targets.map(() => 1)), [metric.name]: Number(value) },
      targets.map(() => 1),
    );
  }
});

Deno.test("several outputs, each far away in its own way, and the correlation of each sample", async () => {
  const shifts = [0, 1e4, -3e5, 7];
  const rows = (values: Float32Array) =>
    tensor(Array.from(values, (value) => shifts.map((shift) => value - 1e4 + shift)).slice(0, 200));
  const [one, other] = [rows(targets), rows(answers)];
  const scores = await metricValue(r2Score({ classAggregation: "none" }), one, other) as number[][];
  const [plain, ...moved] = scores[0];
  assert.ok(plain > 0.7 && plain < 0.9, `${plain}`);
  // The numbers themselves have fewer digits there: steps of 0.001 at 10,000, of 0.03 at 300,000.
  assert.ok(Math.abs(moved[0] - plain) < 2e-4 && Math.abs(moved[2] - plain) < 1e-6, `${moved}`);
  assert.ok(Math.abs(moved[1] - plain) < 5e-3, `${moved}`);
  const ramp = Array.from({ length: 30 }, (_, at) => 1e4 + at / 30);
  const bent = ramp.map((value, at) => value + (at % 3) / 30);
  const flat = (list: number[]) => list.map((value) => value - 1e4);
  const of = (a: number[], b: number[]) =>
    metricValue(pearsonCorrelation(), tensor([a]), tensor([b]));
  assert.ok(
    Math.abs(Number(await of(ramp, bent)) - Number(await of(flat(ramp), flat(bent)))) < 1e-3,
  );
});

Deno.test("a constant has no deviation, wherever it is", async () => {
  const targets = tensor(Float32Array.from({ length: 77 }, () => 12345.678));
  const outputs = tensor(Float32Array.from({ length: 77 }, (_, at) => 12345 + at));
  assert.equal(await metricValue(r2Score(), targets, outputs), 0);
  assert.ok(Number.isNaN(await metricValue(pearsonCorrelation({ axis: 0 }), targets, outputs)));
});
