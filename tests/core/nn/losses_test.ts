import assert from "node:assert/strict";
import { inputLeaf } from "../../../core/graph/leaf.ts";
import type { Tensor } from "../../../core/graph/tensor.ts";
import {
  binaryCrossentropy,
  binaryFocalCrossentropy,
  categoricalCrossentropy,
  categoricalFocalCrossentropy,
  categoricalGeneralizedCrossEntropy,
  circle,
  dice,
  halfMeanSquaredError,
  hinge,
  huber,
  klDivergence,
  type Loss,
  meanSquaredError,
  sparseCategoricalCrossentropy,
  tversky,
} from "../../../core/nn/mod.ts";
import { gradients, tensor } from "../../../core/ops/mod.ts";
import { assertClose } from "./close.ts";
import { valuesOf } from "./context.ts";

Deno.test("labels may be u32, i32 or f32, in a row or a column", () => {
  const outputs = tensor([[0.4, 0.6], [0.3, 0.7]]);
  const loss = sparseCategoricalCrossentropy();
  for (const dtype of ["u32", "i32", "f32"] as const) {
    for (const values of [[1, 0], [[1], [0]]]) {
      const losses = loss.apply(tensor(values, { dtype }), outputs);
      assertClose(valuesOf(losses), [-Math.log(0.6), -Math.log(0.3)], 1e-7);
    }
  }
});

Deno.test("a row and a column of one output a sample stand for each other", () => {
  const [row, column] = [tensor([1, 2]), tensor([[1], [3]])];
  for (const [targets, outputs] of [[row, column], [column, row], [row, tensor([1, 3])]]) {
    assert.deepEqual(valuesOf(meanSquaredError().apply(targets, outputs)), [0, 1]);
  }
});

Deno.test("oneHot makes rows of class labels", () => {
  const outputs = tensor([[0, 1, 0], [0.5, 0, 0.5]]);
  const labels = tensor([1, 2], { dtype: "u32" });
  const rows = tensor([[0, 1, 0], [0, 0, 1]]);
  const expected = valuesOf(meanSquaredError().apply(rows, outputs));
  assertClose(expected, [0, 0.5 / 3]);
  assert.deepEqual(valuesOf(meanSquaredError({ oneHot: true }).apply(labels, outputs)), expected);
});

Deno.test("halves of squared errors are added over all axes of an output", () => {
  const loss = halfMeanSquaredError({ sumOutputs: true });
  const losses = loss.apply(tensor([[[1, 2], [3, 4]]]), tensor([[[2, 4], [6, 8]]]));
  assert.deepEqual(valuesOf(losses), [(1 + 4 + 9 + 16) / 2]);
});

Deno.test("binary targets may be integers", () => {
  const labels = tensor([1, 0], { dtype: "u32" });
  const losses = binaryCrossentropy().apply(labels, tensor([[0.25], [0.25]]));
  assertClose(valuesOf(losses), [-Math.log(0.25), -Math.log(0.75)], 1e-9);
});

Deno.test("outputs with a time axis give the mean over time", () => {
  const outputs = tensor([[[0.5, 0.5], [0.25, 0.75]]]);
  const expected = [(Math.LN2 - Math.log(0.75)) / 2];
  const sparse = sparseCategoricalCrossentropy().apply(tensor([[0, 1]]), outputs);
  assertClose(valuesOf(sparse), expected, 1e-9);
  const rows = tensor([[[1, 0], [0, 1]]]);
  assertClose(valuesOf(categoricalCrossentropy().apply(rows, outputs)), expected, 1e-9);
});

Deno.test("probabilities of 0 and 1 are kept 1e-7 away from them", () => {
  const bits = tensor([[1], [0]]);
  const worst = -Math.log(1e-7);
  const binary = valuesOf(binaryCrossentropy().apply(bits, tensor([[0], [1]])));
  assertClose(binary, [worst, worst], 1e-8);
  const sparse = sparseCategoricalCrossentropy().apply(tensor([0]), tensor([[0, 1]]));
  assertClose(valuesOf(sparse), [worst], 1e-8);
  const above = klDivergence().apply(tensor([[0.5, 0.5]]), tensor([[1.5, 0.5]]));
  assertClose(valuesOf(above), [0.5 * Math.log(0.5)], 1e-6);
});

Deno.test("probabilities are divided by their sum, as in Keras", () => {
  const loss = sparseCategoricalCrossentropy().apply(tensor([0]), tensor([[2, 6]]));
  assertClose(valuesOf(loss), [Math.log(4)], 1e-9);
});

Deno.test("label smoothing moves targets towards an even spread", () => {
  const outputs = [[0.6, 0.3, 0.1]];
  const smooth = { labelSmoothing: 0.3 };
  const rows = tensor([[0, 1, 0]]);
  const categorical = categoricalCrossentropy(smooth).apply(rows, tensor(outputs));
  const expected = -(0.1 * Math.log(0.6) + 0.8 * Math.log(0.3) + 0.1 * Math.log(0.1));
  assertClose(valuesOf(categorical), [expected], 1e-7);
  const logits = tensor([outputs[0].map(Math.log)]);
  const fromLogits = categoricalCrossentropy({ ...smooth, fromLogits: true }).apply(rows, logits);
  assertClose(valuesOf(fromLogits), [expected], 1e-7);
  const binary = binaryCrossentropy(smooth).apply(tensor([[1]]), tensor([[0.6]]));
  assertClose(valuesOf(binary), [-(0.85 * Math.log(0.6) + 0.15 * Math.log(0.4))], 1e-7);
});

Deno.test("huber is squared up to delta and straight beyond", () => {
  const errors = tensor([0, 0.5, -2, 2, 5]);
  const losses = huber({ delta: 2 }).apply(tensor([0, 0, 0, 0, 0]), errors);
  assert.deepEqual(valuesOf(losses), [0, 0.125, 2, 2, 8]);
});

Deno.test("what is ignored counts for nothing, even if it is not finite", () => {
  const outputs = tensor([[0, 1], [Infinity, NaN], [2, 0]]);
  const loss = sparseCategoricalCrossentropy({ fromLogits: true, ignoreClass: 255 });
  const losses = loss.apply(tensor([1, 255, 0], { dtype: "u32" }), outputs);
  const [first, second] = [Math.log1p(Math.exp(-1)), Math.log1p(Math.exp(-2))];
  assertClose(valuesOf(losses), [1.5 * first, 0, 1.5 * second], 1e-7);
  const [slope] = gradients(losses, [outputs]);
  assert(valuesOf(slope).every(Number.isFinite));
  const nothing = loss.apply(tensor([255, 255, 255], { dtype: "u32" }), outputs);
  assert.deepEqual(valuesOf(nothing), [0, 0, 0]);
});

Deno.test("a sample without a partner, or without others, counts for nothing in circle", () => {
  const embeddings = tensor([[1, 0], [0, 1], [0.6, 0.8]]);
  assert.deepEqual(valuesOf(circle().apply(tensor([0, 1, 2]), embeddings)), [0, 0, 0]);
  assert.deepEqual(valuesOf(circle().apply(tensor([5, 5, 5]), embeddings)), [0, 0, 0]);
});

Deno.test("targets of hinge are bits only if all of them are", () => {
  const outputs = tensor([[0.5, 0.5]]);
  assert.deepEqual(valuesOf(hinge().apply(tensor([[0, 1]]), outputs)), [(1.5 + 0.5) / 2]);
  assert.deepEqual(valuesOf(hinge().apply(tensor([[0, -1]]), outputs)), [(1 + 1.5) / 2]);
});

Deno.test("dice of a batch gives every sample its loss", () => {
  const [targets, outputs] = [tensor([[1, 0], [1, 1]]), tensor([[1, 1], [0, 1]])];
  const whole = valuesOf(dice().apply(targets, outputs));
  assertClose(whole, [1 - 4 / 6, 1 - 4 / 6], 1e-7);
  const each = valuesOf(dice({ axes: -1 }).apply(targets, outputs));
  assertClose(each, [1 - 2 / 3, 1 - 2 / 3], 1e-7);
});

const leaf = (shape: number[], dtype: "f32" | "u32" = "f32") => inputLeaf("leaf", shape, dtype);

const refused: [
  name: string,
  loss: Loss,
  targets: ReturnType<typeof leaf>,
  shape: number[],
  message: string,
][] = [
  [
    "one-hot targets for labels",
    sparseCategoricalCrossentropy(),
    leaf([32, 10]),
    [32, 10],
    "Cannot apply sparseCategoricalCrossentropy as targets must be labels of shape [32], one a " +
    "sample: received [32, 10] f32 (for one-hot targets use categoricalCrossentropy)",
  ],
  [
    "labels for one-hot targets",
    categoricalCrossentropy(),
    leaf([32], "u32"),
    [32, 10],
    "Cannot apply categoricalCrossentropy as targets must have the shape of the outputs, [32, 10]: " +
    "received [32] u32 (for class labels use sparseCategoricalCrossentropy)",
  ],
  [
    "labels for numbers",
    meanSquaredError(),
    leaf([32, 1], "u32"),
    [32, 10],
    "Cannot apply meanSquaredError as targets must have the shape of the outputs, [32, 10]: " +
    "received [32, 1] u32 (are they class labels? then use meanSquaredError({ oneHot: true }))",
  ],
  [
    "rows for labels to make rows of",
    meanSquaredError({ oneHot: true }),
    leaf([32, 10]),
    [32, 10],
    "Cannot apply meanSquaredError as targets must be labels of shape [32], one a sample: received " +
    "[32, 10] f32 (these look one-hot already: leave the option oneHot out)",
  ],
  [
    "labels for several yes-or-no answers",
    binaryCrossentropy(),
    leaf([32], "u32"),
    [32, 3],
    "Cannot apply binaryCrossentropy as targets must have the shape of the outputs, [32, 3]: " +
    "received [32] u32 (for class labels use sparseCategoricalCrossentropy)",
  ],
  [
    "one output for classes",
    categoricalCrossentropy(),
    leaf([32, 1]),
    [32, 1],
    "Cannot apply categoricalCrossentropy as outputs must be [batch, classes] of two classes or " +
    "more: received [32, 1] (for one output use binaryCrossentropy)",
  ],
  [
    "rows for a generalised cross-entropy",
    categoricalGeneralizedCrossEntropy(),
    leaf([32, 10]),
    [32, 10],
    "Cannot apply categoricalGeneralizedCrossEntropy as targets must be labels of shape [32], one a " +
    "sample: received [32, 10] f32 (it takes class labels, not rows)",
  ],
  [
    "images for embeddings",
    circle(),
    leaf([32, 8], "u32"),
    [32, 8, 4],
    "Cannot apply circle as outputs must be embeddings [batch, features]: received [32, 8, 4]",
  ],
  [
    "no axis to add up over",
    dice({ axes: [] }),
    leaf([32, 8]),
    [32, 8],
    "Cannot apply dice as it needs an axis to add up over: received none for outputs [32, 8]",
  ],
  [
    "a batch of another size",
    meanSquaredError(),
    leaf([31, 10]),
    [32, 10],
    "Cannot apply meanSquaredError as targets must have the shape of the outputs, [32, 10]: " +
    "received [31, 10] f32",
  ],
  [
    "outputs without a batch",
    meanSquaredError(),
    leaf([]),
    [],
    "Cannot apply meanSquaredError as outputs must have an axis for the batch: received a single " +
    "number",
  ],
];

for (const [name, loss, targets, shape, message] of refused) {
  Deno.test(`losses refuse ${name}`, () => {
    assert.throws(() => loss.apply(targets, leaf(shape)), { name: "ShapeError", message });
  });
}

Deno.test("losses refuse options out of range", () => {
  assert.throws(() => huber({ delta: 0 }), /delta of huber .*received 0/);
  assert.throws(
    () => binaryCrossentropy({ labelSmoothing: 2 }),
    /labelSmoothing of binaryCrossentropy .*from 0 to 1: received 2/,
  );
  assert.throws(() => categoricalCrossentropy({ labelSmoothing: NaN }), RangeError);
  assert.throws(() => sparseCategoricalCrossentropy({ labelSmoothing: 1.5 }), /from 0 to 1/);
  assert.throws(
    () => sparseCategoricalCrossentropy({ ignoreClass: 0.5 }),
    /ignoreClass of sparseCategoricalCrossentropy .*whole number: received 0.5/,
  );
  assert.throws(() => binaryFocalCrossentropy({ gamma: -1 }), /gamma .*at least 0: received -1/);
  assert.throws(() => categoricalFocalCrossentropy({ alpha: [1, -1] }), /alpha .*received -1/);
  assert.throws(() => categoricalGeneralizedCrossEntropy({ q: 0 }), /q of .*received 0/);
  assert.throws(() => circle({ margin: 2 }), /margin of circle .*from 0 to 1: received 2/);
  assert.throws(() => tversky({ beta: NaN }), /beta of tversky .*received NaN/);
});

Deno.test("smoothed labels are smoothed rows, and an ignored one counts for nothing", () => {
  const ids = [2, 0, -1, 1];
  const data = Array.from({ length: 12 }, (_, i) => Math.sin(i * i) + 1.2);
  const outputs = tensor(data, { shape: [4, 3] });
  const rows = tensor(ids.map((id) => [0, 1, 2].map((one) => Number(one === id))));
  for (const fromLogits of [true, false]) {
    const options = { fromLogits, labelSmoothing: 0.2 };
    const sparse = sparseCategoricalCrossentropy({ ...options, ignoreClass: -1 });
    const found = valuesOf(sparse.apply(tensor(ids, { dtype: "i32" }), outputs));
    const expected = valuesOf(categoricalCrossentropy(options).apply(rows, outputs));
    // Three of four count.
    assertClose(found, expected.map((one, at) => ids[at] < 0 ? 0 : one * 4 / 3), 1e-6);
  }
});

Deno.test("sure answers have finite gradients in losses that raise to powers below 1", () => {
  const rows = tensor([[1, 0, 0], [0, 0, 1]]);
  const logits = tensor([[40, -30, 0.3], [40, 17, -60]]);
  const certain = tensor([[1, 0, 0], [1, 0, 0]]);
  const cases: [Loss, Tensor, Tensor][] = [0, 0.3, 0.5, 1, 1.5].flatMap((gamma) => [
    [binaryFocalCrossentropy({ gamma, fromLogits: true }), rows, logits],
    [binaryFocalCrossentropy({ gamma }), rows, certain],
    [categoricalFocalCrossentropy({ gamma, fromLogits: true }), rows, logits],
    [categoricalFocalCrossentropy({ gamma }), rows, certain],
  ]);
  const labels = tensor([0, 2], { dtype: "i32" });
  cases.push(...[0.3, 0.7, 1].map((q): [Loss, Tensor, Tensor] => {
    return [categoricalGeneralizedCrossEntropy({ q }), labels, certain];
  }));
  for (const [loss, targets, outputs] of cases) {
    const losses = loss.apply(targets, outputs);
    const slopes = gradients(losses, [outputs])[0];
    const found = [...valuesOf(losses), ...valuesOf(slopes)];
    assert.ok(found.every(Number.isFinite), `${loss.name}: ${found}`);
  }
});
