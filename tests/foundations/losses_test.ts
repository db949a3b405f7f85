// F9: the losses by the notes' numbers, and dz = p − y.
import assert from "node:assert/strict";
import {
  arrays,
  binaryCrossentropy,
  categoricalCrossentropy,
  dense,
  evaluate,
  gradients,
  halfMeanSquaredError,
  input,
  meanSquaredError,
  sequential,
  sigmoid,
  sparseCategoricalCrossentropy,
  tensor,
} from "../../mod.ts";
import { assertClose } from "../core/nn/close.ts";
import { evaluateOn, testOnDevices } from "../devices.ts";
import { setWeights } from "./networks.ts";

// Two samples, the true class at 0.6 and at 0.3.
const probabilities = [[0.2, 0.6, 0.2], [0.3, 0.3, 0.4]];
const logits = probabilities.map((row) => row.map(Math.log));
const labels = [1, 0];
const oneHotRows = [[0, 1, 0], [1, 0, 0]];
const surprises = [0.5108, 1.2040];

await testOnDevices(
  "F9: squared errors: 1, 4 and 9 average to 14/3, halved to 7/3",
  async (options) => {
    const [targets, outputs] = [tensor([[1], [2], [3]]), tensor([[2], [0], [6]])];
    const [squares, whole, half] = await evaluateOn(options, [
      meanSquaredError().apply(targets, outputs),
      meanSquaredError().apply(targets, outputs).mean(),
      halfMeanSquaredError().apply(targets, outputs).mean(),
    ]);
    assert.deepEqual([...squares], [1, 4, 9]);
    assertClose(whole, [14 / 3], 1e-6);
    assertClose(half, [7 / 3], 1e-6);
  },
);

await testOnDevices("F9: log loss −y ln a − (1 − y) ln(1 − a) at 0.6 and 0.3", async (options) => {
  const [targets, outputs] = [tensor([[1], [0], [1]]), tensor([[0.6], [0.4], [0.3]])];
  const [losses] = await evaluateOn(options, [binaryCrossentropy().apply(targets, outputs)]);
  assertClose(losses, [0.5108, 0.5108, 1.2040], 5e-5);
});

await testOnDevices("F9: −Σ t log softmax(s): 0.5108 at 0.6, 1.2040 at 0.3", async (options) => {
  const fromLogits = { fromLogits: true };
  const all = await evaluateOn(options, [
    categoricalCrossentropy().apply(tensor(oneHotRows), tensor(probabilities)),
    categoricalCrossentropy(fromLogits).apply(tensor(oneHotRows), tensor(logits)),
    sparseCategoricalCrossentropy().apply(tensor(labels), tensor(probabilities)),
    sparseCategoricalCrossentropy(fromLogits).apply(tensor(labels), tensor(logits)),
  ]);
  for (const losses of all) assertClose(losses, surprises, 5e-5);
  // The notes print logarithms of base 10.
  assertClose([...all[0]].map((loss) => loss / Math.LN10), [0.22, 0.52], 5e-3);
});

await testOnDevices("F9: for softmax with cross-entropy dz = p − y", async (options) => {
  const scores = tensor(logits);
  const expected = [0.2, -0.4, 0.2, -0.7, 0.3, 0.4];
  const losses = [
    sparseCategoricalCrossentropy({ fromLogits: true }).apply(tensor(labels), scores),
    categoricalCrossentropy({ fromLogits: true }).apply(tensor(oneHotRows), scores),
    categoricalCrossentropy().apply(tensor(oneHotRows), scores.softmax()),
  ];
  const slopes = losses.flatMap((each) => gradients(each, [scores]));
  // The notes' p[range(m), y] −= 1, then divided by m for the mean over two samples.
  slopes.push(...gradients(losses[0].mean(), [scores]));
  const computed = await evaluateOn(options, slopes);
  for (const values of computed.slice(0, 3)) assertClose(values, expected, 1e-6);
  assertClose(computed[3], expected.map((value) => value / 2), 1e-6);
});

await testOnDevices("F9: for sigmoid with log loss dz = a − y too", async (options) => {
  // σ(ln 4) = 0.8, σ(−ln 4) = 0.2.
  const [z, y] = [tensor([[Math.log(4)], [Math.log(4)], [-Math.log(4)]]), tensor([[1], [0], [1]])];
  const slopes = [
    ...gradients(binaryCrossentropy({ fromLogits: true }).apply(y, z), [z]),
    ...gradients(binaryCrossentropy().apply(y, sigmoid(z)), [z]),
  ];
  for (const values of await evaluateOn(options, slopes)) {
    assertClose(values, [-0.2, 0.8, -0.8], 1e-6);
  }
});

await testOnDevices("F9: evaluate() logs the mean of both surprises, 0.8574", async (options) => {
  // The network gives its inputs on: they are the scores.
  const model = sequential([input([3]), dense(3, { useBias: false })]);
  setWeights(model, [[1, 0, 0, 0, 1, 0, 0, 0, 1]]);
  const loss = sparseCategoricalCrossentropy({ fromLogits: true });
  const data = arrays(logits, labels, { classes: 3 });
  assertClose([(await evaluate(model, data, { loss, ...options })).loss], [0.8574], 5e-5);
});
