/** Sums of gradients without what their values do not need: fewer passes, the same numbers. */
import assert from "node:assert/strict";
import { evaluateReference } from "../../../core/cpu/reference.ts";
import { topologicalOrder } from "../../../core/graph/differentiate.ts";
import { inputLeaf } from "../../../core/graph/leaf.ts";
import type { Tensor } from "../../../core/graph/tensor.ts";
import * as ops from "../../../core/ops/mod.ts";
import { floats, mulberry32 } from "./generator.ts";
import { checkGradient } from "./gradient_check.ts";

/** (x − mean) / √(variance + 1) · gamma + beta over some axes, as layers write it. */
function normalized(x: Tensor, gamma: Tensor, beta: Tensor, axes: readonly number[]): Tensor {
  const average = ops.mean(x, axes, { keepDims: true });
  const variance = ops.mean(ops.square(x.sub(average)), axes, { keepDims: true });
  return x.sub(average).mul(gamma.div(ops.sqrt(variance.add(1)))).add(beta);
}

/** Sums over as many elements as `x` has, that `outputs` need and `x` alone does not. */
function largeSums(outputs: readonly Tensor[], x: Tensor): number {
  return topologicalOrder(outputs).filter(({ operation, inputs }) =>
    operation.name === "sum" && inputs[0].size === x.size
  ).length;
}

for (
  const [name, shape, axes] of [
    ["features", [6, 5], [0]],
    ["pictures", [2, 3, 2, 4], [0, 1, 2]],
    ["one group", [3, 4], [0, 1]],
  ] as const
) {
  Deno.test(`a normalisation of ${name} needs two sums forward, and two for all gradients`, () => {
    const x = inputLeaf("x", shape, "f32");
    const wide = shape.map((size, axis) => (axes as readonly number[]).includes(axis) ? 1 : size);
    const gamma = inputLeaf("gamma", wide, "f32");
    const beta = inputLeaf("beta", wide, "f32");
    const upstream = inputLeaf("upstream", shape, "f32");
    const y = normalized(x, gamma, beta, axes);
    const gradients = ops.gradients(ops.mul(y, upstream).sum(), [x, gamma, beta]);
    assert.equal(largeSums([y], x), 2);
    assert.equal(largeSums([y, ...gradients], x), 4);
  });

  Deno.test(`gradients of a normalisation of ${name}, and their gradients, are right`, () => {
    const random = mulberry32(5);
    const wide = shape.map((size, axis) => (axes as readonly number[]).includes(axis) ? 1 : size);
    const inputs = [
      floats(random, shape, [-2, 2]),
      floats(random, wide, [0.5, 2]),
      floats(random, wide, [-1, 1]),
    ];
    const build = (x: Tensor, gamma: Tensor, beta: Tensor) =>
      normalized(x, gamma, beta, axes).square();
    checkGradient(inputs, build, [0, 1, 2], mulberry32(6));
    const slope = (x: Tensor, gamma: Tensor, beta: Tensor) =>
      ops.gradients(build(x, gamma, beta).sum(), [x])[0].square();
    checkGradient(inputs, slope, [0, 1, 2], mulberry32(7));
  });
}

Deno.test("a mean over other axes, or of other values, is no mean of these: its sum stays", () => {
  const random = mulberry32(8);
  const x = ops.tensor(Float32Array.from(floats(random, [4, 4], [-2, 2]).data), { shape: [4, 4] });
  const shift = ops.zeros([1, 4]);
  const slope = (average: (x: Tensor) => Tensor) => {
    // The gradient of the shift is the sum of the differences.
    const difference = x.sub(average(x));
    const [gradient] = ops.gradients(shift.mul(difference).sum(), [shift]);
    return [...evaluateReference([gradient])[0].data];
  };
  const zeros = slope((x) => ops.mean(x, 0, { keepDims: true }));
  assert.deepEqual(zeros.map((value) => Math.abs(value) < 1e-6), [true, true, true, true]);
  const others = [
    (x: Tensor) => ops.mean(x, 1, { keepDims: true }),
    (x: Tensor) => ops.mean(x.square(), 0, { keepDims: true }),
    (x: Tensor) => ops.sum(x, 0, { keepDims: true }),
  ];
  for (const other of others) {
    const expected = [...evaluateReference([x.sub(other(x)).sum(0)])[0].data];
    slope(other).forEach((value, place) => assert.ok(Math.abs(value - expected[place]) < 1e-6));
  }
});
