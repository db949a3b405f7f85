/** Ops on tensors without elements: a batch of no samples, a list of no rows. */
import assert from "node:assert/strict";
import type { Tensor } from "../../../core/graph/tensor.ts";
import * as ops from "../../../core/ops/mod.ts";
import { evaluateOn, testOnDevices } from "../../devices.ts";

const window = {
  strides: [1, 1, 1],
  before: [0, 0, 0],
  after: [0, 0, 0],
  dilation: [1, 1, 1],
  inputDilation: [1, 1, 1],
} as const;
const cells = { activation: "tanh", recurrentActivation: "sigmoid", sequences: true } as const;

const floats = (...shape: number[]) => ops.tensor(new Float32Array(0), { shape });
const noRows = ops.tensor(new Uint32Array(0));
const zeros = (count: number) => new Array<number>(count).fill(0);

/** Tensors, and what their elements must be. */
const cases: readonly [tensor: Tensor, expected: readonly number[]][] = [
  [floats(3, 0).matmul(floats(0, 2)).add(1).relu(), [1, 1, 1, 1, 1, 1]],
  [floats(0, 3).matmul(ops.ones([3, 2])).tanh(), []],
  [floats(0, 2, 2).matmul(ops.ones([2, 2])).sum(0), zeros(4)],
  [ops.einsum("ij,jk->k", floats(0, 2), ops.ones([2, 3])), zeros(3)],
  [floats(3, 0).mean(1), [NaN, NaN, NaN]],
  [ops.variance(floats(0, 2), 0), [NaN, NaN]],
  [ops.softmax(floats(2, 0)), []],
  [ops.logSoftmax(floats(0, 2), 0), []],
  [ops.logSumExp(floats(2, 0)), [-Infinity, -Infinity]],
  [ops.logSumExp(floats(2, 0), 0), []],
  [ops.concat([floats(0, 2).add(1), ops.ones([1, 2]), floats(0, 2).tanh()]), [1, 1]],
  [ops.pad(floats(1, 0), [[0, 1], [1, 0]], 3), [3, 3]],
  [ops.gather(ops.ones([2, 3]), noRows).tanh(), []],
  [ops.scatterAdd(floats(0, 2), noRows, 3), zeros(6)],
  [ops.segmentMax(floats(0, 2), noRows, 2), zeros(4)],
  [ops.sort(floats(0, 3)), []],
  [ops.cumsum(floats(2, 0), 0), []],
  [ops.maxPool(floats(0, 1, 3, 3, 1), { ...window, size: [1, 2, 2] }), []],
  [
    ops.convolution(floats(0, 1, 3, 3, 1), ops.ones([1, 2, 2, 1, 2]), { ...window, groups: 1 }),
    [],
  ],
  [
    ops.recurrence(floats(2, 0, 4), ops.ones([1, 4]), ops.ones([4]), { ...cells, cell: "lstm" }),
    [],
  ],
];

/** Gradients by what is not empty: nothing has been added to them. */
const slopes = (): Tensor[] => {
  const [kernel, filter] = [ops.ones([3, 2]), ops.ones([1, 2, 2, 1, 2])];
  const dense = ops.softmax(floats(0, 3).matmul(kernel)).sum();
  const images = floats(0, 1, 3, 3, 1);
  const convolved = ops.convolution(images, filter, { ...window, groups: 1 }).sum();
  return [...ops.gradients(dense, [kernel]), ...ops.gradients(convolved, [filter])];
};

await testOnDevices("tensors without elements", async (options) => {
  const gradients = slopes();
  const results = await evaluateOn(options, [...cases.map(([tensor]) => tensor), ...gradients]);
  cases.forEach(([tensor, expected], place) => {
    assert.deepEqual([...results[place]], expected, tensor.describe());
  });
  gradients.forEach(({ size }, place) => {
    assert.deepEqual([...results[cases.length + place]], zeros(size));
  });
});

Deno.test("a convolution without channels or filters is refused", () => {
  const x = ops.ones([1, 1, 3, 3, 2]);
  const none = { ...window, groups: 1 };
  assert.throws(() => ops.convolution(x, floats(1, 2, 2, 2, 0), none), /from 1.*\[1, 2, 2, 2, 0\]/);
  const pixels = floats(1, 1, 3, 3, 0);
  assert.throws(() => ops.convolution(pixels, floats(1, 2, 2, 0, 2), none), /from 1/);
});
