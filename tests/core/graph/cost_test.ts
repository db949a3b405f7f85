/** What calls are said to cost, against numbers worked out by hand, and what they are called. */
import assert from "node:assert/strict";
import { callCost, nodeCost } from "../../../core/graph/cost.ts";
import { formatLabel } from "../../../core/graph/label.ts";
import { inputLeaf, scalarLeaf, stateLeaf } from "../../../core/graph/leaf.ts";
import { planProgram } from "../../../core/graph/plan.ts";
import { type Assignment, createProgram } from "../../../core/graph/program.ts";
import type { Tensor } from "../../../core/graph/tensor.ts";
import * as ops from "../../../core/ops/mod.ts";

/** Each call of a plan: its name, operations and bytes. */
function costs(outputs: readonly Tensor[], assignments: readonly Assignment[] = []) {
  const { phases } = planProgram(createProgram(outputs, assignments));
  return phases.flat().map((call) => {
    const { flops, bytes } = callCost(call);
    return [formatLabel(call.label), flops, bytes];
  });
}

Deno.test("the first layer of 784–30–30–10 on a batch of 32 costs what the formulas say", () => {
  const x = inputLeaf("x", [32, 784], "f32");
  const kernel = stateLeaf("dense_1/kernel", [784, 30]);
  const bias = stateLeaf("dense_1/bias", [30]);
  const outputs = x.matmul(kernel).add(bias).relu();
  outputs.label = "dense_1";
  assert.deepEqual(costs([outputs]), [
    // 2·32·784·30; 32·784 + 784·30 + 32·30 floats.
    ["matmul [32,784]×[784,30] (dense_1)", 1_505_280, 4 * (25_088 + 23_520 + 960)],
    // A sum and a maximum an element; product and bias in, result out.
    ["add + relu [32,30] (dense_1)", 2 * 960, 4 * (960 + 30 + 960)],
  ]);
});

Deno.test("an update reads and writes its weight, and a gradient's sum folds the batch", () => {
  const bias = stateLeaf("dense_1/bias", [30]);
  const gradient = inputLeaf("gradient", [32, 30], "f32");
  const rate = scalarLeaf("rate");
  const value = bias.sub(gradient.sum(0).mul(rate));
  assert.deepEqual(costs([], [{ state: bias, value }]), [
    ["sum [32,30]→[30]", 31 * 30, 4 * (960 + 30)],
    // The rate is one number for all.
    ["mul + sub [30] (dense_1/bias)", 60, 4 * (30 + 1 + 30 + 30)],
  ]);
});

Deno.test("of a data set only the rows of the batch are read, as the bytes that they are", () => {
  const images = inputLeaf("images", [60_000, 784], "u8");
  const order = inputLeaf("order", [60_000], "u32");
  const start = scalarLeaf("start", "u32");
  const batch = ops.gather(images, order, { start, count: 32, scale: 1 / 255 });
  assert.deepEqual(costs([batch]), [
    ["gather [60000,784]→[32,784]", 2 * 25_088, 25_088 + 4 * (32 + 1) + 4 * 25_088],
  ]);
  const plain = ops.gather(images, order, { start, count: 32 });
  assert.equal(costs([plain])[0][1], 0);
  const rows = inputLeaf("rows", [5], "u32");
  const updates = inputLeaf("updates", [5, 6], "f32");
  assert.deepEqual(costs([ops.scatterAdd(updates, rows, 9)]), [
    ["scatterAdd [5,6]→[9,6]", 30, 4 * (30 + 5 + 54)],
  ]);
});

Deno.test("a convolution costs two operations for each tap of each output", () => {
  const x = inputLeaf("x", [2, 1, 8, 8, 3], "f32");
  const kernel = stateLeaf("conv/kernel", [1, 3, 3, 3, 5]);
  const none = [0, 0, 0] as const;
  const one = [1, 1, 1] as const;
  const plain = {
    ...{ strides: one, before: none, after: none, dilation: one, inputDilation: one },
    groups: 1,
  };
  const [[name, flops, bytes]] = costs([ops.convolution(x, kernel, plain)]);
  assert.equal(name, "convolution [2,1,8,8,3]×[1,3,3,3,5] (conv)");
  // Without padding 6 by 6 places.
  assert.equal(flops, 2 * (2 * 6 * 6 * 5) * (3 * 3 * 3));
  assert.equal(bytes, 4 * (2 * 64 * 3 + 135 + 2 * 36 * 5));
});

Deno.test("copies, views and broadcast operands", () => {
  const x = inputLeaf("x", [4, 6], "f32");
  const y = inputLeaf("y", [2, 6], "f32");
  assert.deepEqual(costs([ops.concat([x, y], 0)]), [
    ["concat [6,6]", 0, 4 * 2 * 24],
    ["concat [6,6]", 0, 4 * 2 * 12],
  ]);
  const column = inputLeaf("column", [4, 1], "f32");
  assert.deepEqual(costs([x.transpose().add(column.transpose())]), [
    ["add [6,4]", 24, 4 * (24 + 4 + 24)],
  ]);
});

Deno.test("a node by itself costs whole float64 operands", () => {
  const x = inputLeaf("x", [32, 784], "f32");
  const product = x.matmul(stateLeaf("w", [784, 30]));
  assert.deepEqual(nodeCost(x), { flops: 0, bytes: 0 });
  assert.deepEqual(nodeCost(product), {
    flops: 1_505_280,
    bytes: 8 * (25_088 + 23_520 + 960),
  });
  assert.deepEqual(nodeCost(product.relu()), { flops: 960, bytes: 8 * 1920 });
  assert.deepEqual(nodeCost(product.sum(0)), { flops: 930, bytes: 8 * 990 });
  assert.deepEqual(nodeCost(product.transpose()), { flops: 0, bytes: 8 * 1920 });
});
