import assert from "node:assert/strict";
import { evaluateReference } from "../../../core/cpu/reference.ts";
import type { Tensor } from "../../../core/graph/tensor.ts";
import * as ops from "../../../core/ops/mod.ts";
import { manySlices } from "./array_cases.ts";
import { opCases } from "./cases.ts";
import { floats, integers, mulberry32 } from "./generator.ts";
import { checkGradient } from "./gradient_check.ts";

for (const { name, inputs, build, differentiable } of opCases(mulberry32(1))) {
  if (differentiable.length === 0) continue;
  Deno.test(`gradient of ${name}`, () =>
    checkGradient(inputs, build, differentiable, mulberry32(2)));
}

const random = mulberry32(3);
const labels = integers(random, [3], "u32", [0, 4]);

/** Ids that rise, with two rows in one segment. */
const rising = (rows: Tensor) =>
  ops.minimum(ops.bitwiseOr(rows, 3), ops.tensor([1, 3, 3], { dtype: "u32" }));

/** Functions whose gradient is differentiated and checked once more. */
const twice: [string, (x: Tensor, y: Tensor, labels: Tensor) => Tensor][] = [
  ["mul", (x, y) => ops.mul(x, y).square()],
  ["div", (x, y) => ops.div(x, y)],
  ["pow", (x, y) => ops.pow(x, y)],
  ["exp", (x) => ops.exp(x)],
  ["log", (x) => ops.log(x)],
  ["sqrt", (x) => ops.sqrt(x)],
  ["log1p", (x) => ops.log1p(x)],
  ["expm1", (x) => ops.expm1(x)],
  ["sin", (x) => ops.sin(x)],
  ["cos", (x) => ops.cos(x)],
  ["tanh", (x) => ops.tanh(x)],
  ["sigmoid", (x) => ops.sigmoid(x)],
  ["softplus", (x) => ops.softplus(x)],
  ["erf", (x) => ops.erf(x)],
  ["elu", (x, y) => ops.elu(x.sub(1.5), y).square()],
  ["gelu", (x) => ops.gelu(x)],
  ["mish", (x) => ops.mish(x)],
  ["maximum", (x, y) => ops.maximum(x, y).square()],
  ["max", (x) => ops.max(x, 1).square()],
  ["mean", (x) => ops.mean(x, 0).square()],
  ["matmul", (x, y) => ops.matmul(x, y.transpose()).square()],
  ["softmax", (x) => ops.softmax(x)],
  ["logSoftmax", (x) => ops.logSoftmax(x).square()],
  ["logSumExp", (x) => ops.logSumExp(x)],
  ["softmaxCrossEntropy", (x, y) => ops.softmaxCrossEntropy(x, y)],
  ["sparseSoftmaxCrossEntropy", (x, _y, rows) => ops.sparseSoftmaxCrossEntropy(x, rows)],
  ["concat and slice", (x, y) => ops.concat([x, y], 1).slice([0, 2], [2, 7]).square()],
  ["many slices", (x, y) => manySlices(ops.concat([x, y, x], 1).slice([0, 1], [3, 10])).square()],
  ["gather", (x, _y, rows) => ops.gather(x.transpose(), rows, { scale: 2 }).square()],
  ["scatterAdd", (x, _y, rows) => ops.scatterAdd(x, rows, 4).square()],
  ["segmentSum", (x, _y, rows) => ops.segmentSum(x.square(), rising(rows), 4).square()],
  ["segmentMax", (x, _y, rows) => ops.segmentMax(x, rising(rows), 4).square()],
  ["segmentSoftmax", (x, _y, rows) => ops.segmentSoftmax(x, rising(rows), 7).square()],
  ["select", (x, y) => ops.select(ops.greater(x, y), x.square(), y.exp())],
];

for (const [name, build] of twice) {
  Deno.test(`gradient of the gradient of ${name}`, () => {
    const inputs = [floats(random, [3, 4], [0.5, 2.5]), floats(random, [3, 4], [0.5, 2.5]), labels];
    const slope = (x: Tensor, y: Tensor, rows: Tensor) => {
      const [first, second] = ops.gradients(build(x, y, rows).sum(), [x, y]);
      return first.add(second.mul(0.5));
    };
    checkGradient(inputs, slope as (...tensors: Tensor[]) => Tensor, [0, 1], mulberry32(4));
  });
}

Deno.test("a third gradient is right: x⁴ gives 24x", () => {
  const derivative = (f: (x: Tensor) => Tensor) => ops.grad((x) => f(x).sum());
  const x = ops.tensor([1, -2]);
  const third = derivative(derivative(derivative((x) => ops.pow(x, 4))))(x);
  assert.deepEqual([...evaluateReference([third])[0].data], [24, -48]);
});

Deno.test("equal values share a gradient", () => {
  const x = ops.tensor([2, 5, 5]);
  const half = ops.gradients(ops.maximum(x, 5).sum(), [x]);
  assert.deepEqual([...evaluateReference(half)[0].data], [0, 0.5, 0.5]);
  const low = ops.gradients(ops.minimum(x, 5).sum(), [x]);
  assert.deepEqual([...evaluateReference(low)[0].data], [1, 0.5, 0.5]);
  const most = ops.gradients(ops.max(x), [x]);
  assert.deepEqual([...evaluateReference(most)[0].data], [0, 0.5, 0.5]);
});

Deno.test("gradients at the awkward points are the documented ones", () => {
  const at = (f: (x: Tensor) => Tensor, value: number) =>
    evaluateReference([ops.grad((x: Tensor) => f(x))(ops.tensor(value))])[0].data[0];
  assert.equal(at(ops.relu, 0), 0);
  assert.equal(at(ops.abs, 0), 0);
  assert.equal(at(ops.step, 1), 0);
  assert.equal(at((x) => ops.elu(x, 0.5), 0), 0.5);
  assert.equal(at((x) => ops.leakyRelu(x, 0.1), 0), 0.1);
  assert.equal(at((x) => ops.clip(x, 0, 1), 1), 0.5);
  assert.equal(at((x) => ops.pow(x, ops.tensor(0)), 0), 0);
  assert.equal(at((x) => ops.pow(x, ops.tensor(2)), 0), 0);
  assert.equal(at((x) => ops.pow(ops.tensor(0), x), 2), 0);
  assert.equal(at(ops.sqrt, 0), Infinity);
});

Deno.test("no gradient flows through stopGradient, integers and conditions", () => {
  const x = ops.tensor([1.5, -2]);
  const parts = [
    ops.stopGradient(x),
    x.cast("i32").cast("f32"),
    x.greater(0).cast("f32"),
    x.argMax().cast("f32"),
  ];
  for (const part of parts) {
    const [slope] = ops.gradients(part.sum(), [x]);
    assert.deepEqual([...evaluateReference([slope])[0].data], [0, 0]);
  }
});
