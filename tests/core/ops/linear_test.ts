/** Linear algebra: against PyTorch on every device, and what matrices without an inverse give. */
import assert from "node:assert/strict";
import { evaluateReference } from "../../../core/cpu/reference.ts";
import * as ops from "../../../core/ops/mod.ts";
import type { Tensor } from "../../../core/graph/tensor.ts";
import golden from "../../golden/linear.json" with { type: "json" };
import { evaluateOn, testOnDevices } from "../../devices.ts";
import { assertClose } from "../nn/close.ts";
import { goldenLeaf, type GoldenTensor } from "../nn/golden.ts";
import { mulberry32 } from "./generator.ts";

interface Case {
  inputs: GoldenTensor[];
  upstream: GoldenTensor;
  output: GoldenTensor;
  gradients: GoldenTensor[];
}

const eye = (size: number) =>
  ops.tensor(
    Array.from({ length: size }, (_, i) => Array.from({ length: size }, (_, j) => +(i === j))),
  );

const functions: Record<string, (a: Tensor, b: Tensor) => Tensor> = {
  solve: ops.solve,
  inv: ops.inv,
  det: ops.det,
  cholesky: (a) => ops.cholesky(ops.matmul(a, ops.transpose(a, [0, 2, 1])).add(eye(5))),
  slogdet: (a) => ops.slogdet(a).logabsdet,
};
const cases = Object.entries(golden.cases as unknown as Record<string, Case>);

await testOnDevices("solve, inv, det and slogdet give PyTorch's results", async (device) => {
  // All in one plan: one by one, a GPU would compile for minutes.
  const made = cases.map(([name, { inputs, upstream }]) => {
    const leaves = inputs.map(goldenLeaf);
    const y = functions[name.split("_")[0]](leaves[0], leaves[1]);
    assert.deepEqual(y.shape, upstream.shape, name);
    return [y, ...ops.gradients(y, leaves, goldenLeaf(upstream))];
  });
  const found = await evaluateOn(device, made.flat());
  for (const [name, { output, gradients }] of cases) {
    const largest = (values: readonly number[]) => Math.max(...values.map(Math.abs));
    for (const { data } of [output, ...gradients]) {
      // Small numbers of an inverse are differences of larger ones.
      const scale = largest(data);
      const values = Array.from(found.shift()!, (value) => value / scale);
      assertClose(values, data.map((value) => value / scale), 5e-5, name);
    }
  }
});

await testOnDevices("matrices without an inverse have the determinant 0", async (device) => {
  const flat = ops.tensor([[[0, 0], [0, 0]], [[0, 2], [0, 3]], [[1, 2], [2, 4]], [[0, 2], [3, 0]]]);
  const { sign, logabsdet } = ops.slogdet(flat);
  const [roots, dets, signs, logs, large] = await evaluateOn(device, [
    ops.cholesky(ops.tensor([[[4, 2], [2, 1]], [[9, 3], [3, 1e6]], [[-1, 0], [0, 1]]])),
    ops.det(flat),
    sign,
    logabsdet,
    ops.slogdet(ops.mul(flat, 1e30)).logabsdet,
  ]);
  assertClose(roots.subarray(4, 8), [3, 0, 1, Math.sqrt(999999)], 1e-6);
  // The first is flat, and the third has a side below 0: from there on nothing is known.
  assert.deepEqual([roots[0], roots[1], roots[2]], [2, 0, 1]);
  assert([roots[3], roots[8], roots[11]].map(Number.isNaN).join() === "true,true,true");
  assert.deepEqual(Array.from(dets, (value) => value + 0), [0, 0, 0, -6]);
  assert.deepEqual(Array.from(signs, (value) => value + 0), [0, 0, 0, -1]);
  assert.deepEqual([...logs.subarray(0, 3)], [-Infinity, -Infinity, -Infinity]);
  assertClose([logs[3], large[3]], [Math.log(6), Math.log(6) + 60 * Math.LN10], 1e-5);
});

const valuesOf = (x: Tensor) => [...evaluateReference([x])[0].data];
const random = mulberry32(9);
const numbers = (...shape: number[]) =>
  ops.tensor(
    Float32Array.from({ length: shape.reduce((a, b) => a * b, 1) }, () => random() * 4 - 2),
    { shape },
  );

Deno.test("tensordot, outer, kron and trace are those of einsum's loops", () => {
  const same = (found: Tensor, expected: Tensor) => {
    assert.deepEqual(found.shape, expected.shape);
    assertClose(valuesOf(found), valuesOf(expected), 1e-12);
  };
  const [a, b] = [numbers(2, 3, 4), numbers(3, 4, 5)];
  same(ops.tensordot(a, b), ops.einsum("ijk,jkl->il", a, b));
  same(ops.tensordot(a, b, [[1, -1], [0, 1]]), ops.einsum("ijk,jkl->il", a, b));
  same(ops.tensordot(a, b, [[2, 1], [1, 0]]), ops.einsum("ijk,jkl->il", a, b));
  const line = numbers(4);
  same(ops.tensordot(a, line, 1), ops.einsum("ijk,k->ij", a, line));
  const [m, n] = [numbers(2, 3), numbers(3, 2)];
  same(ops.outer(m, line), ops.einsum("i,j->ij", m.reshape([6]), line));
  same(ops.kron(m, n), ops.einsum("ij,kl->ikjl", m, n).reshape([6, 6]));
  const [p, q] = [valuesOf(m), valuesOf(ops.tensor([[1, 2, 3], [4, 5, 6]]))];
  assertClose(valuesOf(ops.trace(m)), [p[0] + p[4]], 1e-12);
  assertClose(
    valuesOf(ops.trace(a)),
    [0, 12].map((first) => {
      const values = valuesOf(a);
      return values[first] + values[first + 5] + values[first + 10];
    }),
    1e-12,
  );
  assert.deepEqual(valuesOf(ops.trace(ops.tensor([[1, 2, 3], [4, 5, 6]]))), [q[0] + q[4]]);
});

Deno.test("linear algebra refuses what does not fit", () => {
  const [square, wide] = [numbers(3, 3), numbers(2, 3)];
  const wrong: [() => unknown, RegExp][] = [
    [() => ops.det(wide), /det as it needs square matrices.*\[2, 3\]/],
    [() => ops.inv(numbers(3)), /inv as it needs square matrices.*\[3\]/],
    [() => ops.solve(square, wide), /b must have a row for each of a's.*\[3, 3\] and \[2, 3\]/],
    [() => ops.inv(ops.zeros([400, 400])), /may have 262144 numbers: .*\[400, 400\] and/],
    [() => ops.slogdet(ops.zeros([600, 600])), /slogdet as a matrix .*\[600, 600\]/],
    [() => ops.tensordot(wide, wide, 1), /each axis of a must meet one of b.*axes 1 of \[2, 3\]/],
    [() => ops.tensordot(wide, wide, [[0, 0], [0, 1]]), /each axis of a must meet/],
    [() => ops.kron(wide, numbers(3)), /both must be matrices/],
    [() => ops.trace(numbers(3)), /trace as it needs matrices/],
    [() => ops.solve(square, ops.tensor([1, 2, 3], { dtype: "u32" })), /f32 and u32/],
  ];
  for (const [make, message] of wrong) assert.throws(make, message);
});
