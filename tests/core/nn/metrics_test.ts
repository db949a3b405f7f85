import assert from "node:assert/strict";
import type { Tensor } from "../../../core/graph/tensor.ts";
import {
  accuracy,
  auc,
  binaryAccuracy,
  categoricalAccuracy,
  concordanceCorrelation,
  f1Score,
  fBetaScore,
  iou,
  meanIoU,
  meanSquaredErrorMetric,
  type Metric,
  pearsonCorrelation,
  perplexity,
  precision,
  r2Score,
  recallAtPrecision,
  sensitivityAtSpecificity,
  sparseCategoricalAccuracy,
  sparseCategoricalCrossentropyMetric,
  sparseTopKCategoricalAccuracy,
  truePositives,
} from "../../../core/nn/mod.ts";
import { tensor } from "../../../core/ops/mod.ts";
import { assertClose } from "./close.ts";
import { valuesOf } from "./context.ts";

function totalsOf(
  metric: Metric,
  targets: Tensor,
  outputs: Tensor,
  weight?: Tensor,
): Float64Array[] {
  return metric.apply(targets, outputs, weight).map((total) =>
    Float64Array.from(typeof total === "number" ? [total] : valuesOf(total))
  );
}

function resultOf(metric: Metric, targets: Tensor, outputs: Tensor): number {
  return Number(metric.result(...totalsOf(metric, targets, outputs)));
}

const outputs = tensor([[0.1, 0.7, 0.2], [0.5, 0.4, 0.1], [0.3, 0.3, 0.3], [0.2, 0.2, 0.6]]);
const labels = tensor([1, 1, 0, 2], { dtype: "u32" });
const rows = tensor([[0, 1, 0], [0, 1, 0], [1, 0, 0], [0, 0, 1]]);
const yes = tensor([[0.9], [0.5], [0.2], [0.7]]);

const cases: [name: string, metric: Metric, targets: Tensor, outputs: Tensor, expected: number][] =
  [
    ["labels", sparseCategoricalAccuracy(), labels, outputs, 0.75],
    ["labels in a column", sparseCategoricalAccuracy(), labels.reshape([4, 1]), outputs, 0.75],
    [
      "a label of −1, no class",
      sparseCategoricalAccuracy(),
      tensor([1, -1, -1, -1]),
      outputs,
      0.25,
    ],
    ["rows", categoricalAccuracy(), rows, outputs, 0.75],
    ["a number a sample", accuracy(), tensor([1, 0, 0]), tensor([0.9, 0.7, 0.2]), 2 / 3],
    ["an output at the threshold", binaryAccuracy(), tensor([1, 1, 0, 0]), yes, 0.5],
    ["another threshold", binaryAccuracy({ threshold: 0.4 }), tensor([1, 1, 0, 0]), yes, 0.75],
    ["integers", binaryAccuracy(), tensor([1, 0, 0, 1], { dtype: "i32" }), yes, 1],
    ["several answers a sample", binaryAccuracy(), rows, outputs, 10 / 12],
    ["accuracy of labels", accuracy(), labels, outputs, 0.75],
    ["accuracy of rows", accuracy(), rows, outputs, 0.75],
    ["accuracy of one output", accuracy(), tensor([1, 1, 0, 0]), yes, 0.5],
    ["squared error", meanSquaredErrorMetric(), tensor([0, 0]), tensor([1, 3]), 5],
  ];

for (const [name, metric, targets, given, expected] of cases) {
  Deno.test(`${metric.name} of ${name}`, () => {
    const result = resultOf(metric, targets, given);
    assert(Math.abs(result - expected) < 1e-9, `${result}`);
  });
}

Deno.test("the best threshold is looked for at numThresholds, from all answers yes to all no", () => {
  const found = (metric: Metric, targets: number[], outputs: number[]) =>
    resultOf(metric, tensor(targets), tensor(outputs));
  // At 0.5 alone: one of two on either side.
  const one = sensitivityAtSpecificity(0.5, { numThresholds: 1 });
  assert.equal(found(one, [0, 0, 1, 1], [0.1, 0.6, 0.4, 0.9]), 0.5);
  // Only below 0 is an output of 0 a yes.
  assert.equal(found(recallAtPrecision(0.5), [1, 0], [0, 0.2]), 1);
  // At 0, 0.25, 0.5, 0.75 and 1.
  const five = sensitivityAtSpecificity(1, { numThresholds: 5 });
  assert.equal(found(five, [0, 1], [0.7, 0.8]), 1);
  assert.equal(found(five, [0, 1], [0.8, 0.9]), 0);
});

Deno.test("metrics have Keras's names", () => {
  const metrics = [
    accuracy(),
    binaryAccuracy(),
    categoricalAccuracy(),
    sparseCategoricalAccuracy(),
    meanSquaredErrorMetric(),
  ];
  assert.deepEqual(metrics.map(({ name, direction }) => [name, direction]), [
    ["accuracy", "max"],
    ["binary_accuracy", "max"],
    ["categorical_accuracy", "max"],
    ["sparse_categorical_accuracy", "max"],
    ["mean_squared_error", "min"],
  ]);
});

Deno.test("a metric is logged by the name that it is given", () => {
  const name = "mine";
  const metrics = [
    auc({ name }),
    concordanceCorrelation({ name }),
    fBetaScore({ name }),
    iou(2, [1], { name }),
    meanIoU(2, { name }),
    pearsonCorrelation({ name }),
    precision({ name }),
    r2Score({ name }),
    sensitivityAtSpecificity(0.5, { name }),
    truePositives({ name }),
  ];
  assert.deepEqual(metrics.map((metric) => metric.name), metrics.map(() => name));
  assert.equal(f1Score({ name: undefined }).name, "f1_score", "undefined is none");
});

Deno.test("totals of batches of different sizes add up to the metric of all samples", () => {
  const metric = accuracy();
  const parts = [[0, 3], [3, 4]].map(([start, end]) =>
    totalsOf(metric, labels.slice([start], [end]), outputs.slice([start, 0], [end, 3]))
  );
  const sums = parts[0].map((total, place) => total.map((value) => value + parts[1][place][0]));
  assert.equal(metric.result(...sums), 0.75);
});

Deno.test("accuracy without a class counts neither its hits nor its samples", () => {
  const metric = sparseCategoricalAccuracy({ ignoreClass: -1 });
  const nodes = tensor([[0.1, 0.9], [0.8, 0.2], [0.7, 0.3], [0.4, 0.6]]).reshape([1, 4, 2]);
  const value = (given: number[], weight?: Tensor) =>
    metric.result(...totalsOf(metric, tensor([given]), nodes, weight));
  assert.equal(value([1, -1, 1, -1]), 0.5);
  assert.equal(value([-1, -1, -1, 1], tensor([3])), 1);
  assert(Number.isNaN(value([-1, -1, -1, -1])));
  assert.throws(
    () => sparseCategoricalAccuracy({ ignoreClass: 0.5 }),
    /whole number: received 0.5/,
  );
});

Deno.test("perplexity is that of all labels that count, by their weights", () => {
  const outputs = tensor([[0.5, 0.25, 0.25], [0.1, 0.8, 0.1], [0.3, 0.3, 0.4]]);
  const labels = tensor([0, 1, -1], { dtype: "i32" });
  const metric = perplexity({ ignoreClass: -1 });
  assertClose([resultOf(metric, labels, outputs)], [1 / Math.sqrt(0.4)], 1e-6);
  const [two, rows] = [tensor([0, 1]), tensor([[0.5, 0.25, 0.25], [0.1, 0.8, 0.1]])];
  const totals = totalsOf(perplexity(), two, rows, tensor([3, 1]));
  assertClose([Number(metric.result(...totals))], [(0.5 ** 3 * 0.8) ** -0.25], 1e-6);
  assert.equal(metric.direction, "min");
});

Deno.test("means of a loss leave out what it ignores, whatever weighs how much, over several batches", () => {
  const shares = [[0.5, 0.25, 0.25], [0.1, 0.8, 0.1], [0.3, 0.3, 0.4], [0.2, 0.2, 0.6]];
  const options = { ignoreClass: 0 };
  for (const metric of [perplexity(options), sparseCategoricalCrossentropyMetric(options)]) {
    const value = (totals: Float64Array[]) => {
      const result = Number(metric.result(...totals));
      return metric.name === "perplexity" ? Math.log(result) : result;
    };
    const batch = (labels: number[], rows: number[][], weights?: number[]) =>
      totalsOf(metric, tensor(labels), tensor(rows), weights && tensor(weights));
    // By weights: of three labels one is ignored, with the largest weight of all.
    const weighted = batch([0, 1, 2], shares.slice(0, 3), [9, 3, 1]);
    assertClose([value(weighted)], [-(3 * Math.log(0.8) + Math.log(0.4)) / 4], 1e-6);
    // Over batches: one label of three counts in the first, one of one in the second.
    const [first, second] = [batch([0, 1, 0], shares.slice(0, 3)), batch([2], shares.slice(3))];
    const together = first.map((total, place) => total.map((one, at) => one + second[place][at]));
    assertClose([value(together)], [-Math.log(0.8 * 0.6) / 2], 1e-6);
    // Labels of steps: one counts of the first sample, two of the second.
    const steps = totalsOf(
      metric,
      tensor([[0, 1], [2, 2]]),
      tensor([shares.slice(0, 2), shares.slice(2)]),
      tensor([1, 2]),
    );
    assertClose([value(steps)], [-(Math.log(0.8) + 2 * Math.log(0.4 * 0.6)) / 5], 1e-6);
    assert.ok(Number.isNaN(value(batch([0], shares.slice(0, 1)))), "over no samples");
  }
});

Deno.test("metrics say what they expected", () => {
  assert.throws(() => accuracy().apply(tensor([1, 0, 1]), outputs), {
    name: "ShapeError",
    message: "Cannot apply accuracy as targets must be labels [4] or rows [4, 3]: received [3] f32",
  });
  assert.throws(
    () => sparseCategoricalAccuracy().apply(rows, outputs),
    /for one-hot targets use categoricalAccuracy/,
  );
  assert.throws(
    () => categoricalAccuracy().apply(labels, outputs),
    /for class labels use sparseCategoricalAccuracy/,
  );
  assert.throws(() => binaryAccuracy({ threshold: NaN }), /threshold of binaryAccuracy/);
});

Deno.test("no answer is among the largest when outputs are NaN, and −∞ hides a class", () => {
  const metric = sparseTopKCategoricalAccuracy({ k: 2 });
  const outputs = tensor([
    [NaN, NaN, NaN],
    [0.1, NaN, 0.3],
    [0.2, 0.7, -Infinity],
    [0.2, 0.7, -Infinity],
    [0.5, 0.5, 0.5],
  ]);
  const labels = tensor([0, 1, 0, 2, 2], { dtype: "u32" });
  assert.equal(resultOf(metric, labels, outputs), 0.4);
});
