/** NaN goes through ops of many values on every device: one that is hidden would train on unnoticed. */
import assert from "node:assert/strict";
import { evaluateTensors } from "../../../core/cpu/evaluate.ts";
import { type CellActivation, cellLayouts, type CellName } from "../../../core/graph/recurrence.ts";
import type { Tensor } from "../../../core/graph/tensor.ts";
import * as ops from "../../../core/ops/mod.ts";
import { deviceTest } from "../../training/devices.ts";
import { floats, mulberry32 } from "./generator.ts";

const devices = ["reference", "cpu, 1", "webgpu"];

/** Random numbers of a shape, with NaN at a place. */
function numbers(shape: readonly number[], place = -1): Tensor {
  const { data } = floats(mulberry32(3), shape, [-1, 1]);
  return ops.tensor(data.map((value, at) => at === place ? NaN : value), { shape });
}

await deviceTest("recurrent cells, whatever their activation", async (device) => {
  const units = 3;
  const cells: [CellName, CellActivation][] = [
    ["simpleRnn", "tanh"],
    ["simpleRnn", "relu"],
    ["lstm", "relu"],
    ["gru", "tanh"],
  ];
  const outputs = cells.map(([cell, activation]) => {
    const { inputs, recurrent, gradients } = cellLayouts[cell];
    // A sum of the first step, of the first unit: from there it reaches all units of the next one.
    return ops.recurrence(
      numbers([2, 1, inputs * units], 0),
      numbers([units, recurrent * units]),
      numbers([gradients * units]),
      { cell, activation, recurrentActivation: "sigmoid", sequences: false },
    );
  });
  const found = await evaluateTensors(outputs, device);
  found.forEach((data, place) => assert.deepEqual([...data], [NaN, NaN, NaN], `${cells[place]}`));
}, ...devices);

await deviceTest("attention, where all that a query sees is NaN", async (device) => {
  const shape = [1, 3, 1, 1];
  const [query, key, value] = [
    ops.tensor([NaN, 1, 2], { shape }),
    ops.tensor([NaN, 0.5, 1], { shape }),
    ops.tensor([1, 2, 3], { shape }),
  ];
  const found = await evaluateTensors([
    ops.scaledDotProductAttention(query, value, value),
    ops.scaledDotProductAttention(value, key, value, { causal: true }),
    ...ops.gradients(ops.scaledDotProductAttention(value, key, value).sum(), [value, key]),
  ], device);
  assert.deepEqual([...found[0]].map(Number.isNaN), [true, false, false]);
  for (const data of found.slice(1)) assert.deepEqual([...data], [NaN, NaN, NaN]);
}, ...devices);

await deviceTest("matrices that are solved for, and paths of labels", async (device) => {
  const logits = numbers([1, 4, 3], 1);
  const [solved, loss] = await evaluateTensors([
    ops.solve(numbers([3, 3], 0), numbers([3])),
    ops.ctcLoss(logits, ops.tensor([[1, 2]], { dtype: "i32" })),
  ], device);
  assert.deepEqual([...solved], [NaN, NaN, NaN]);
  assert.deepEqual([...loss], [NaN]);
}, ...devices);
