/** Values of very many others: what one loop, one kernel and one dispatch cannot hold is cut. */
import assert from "node:assert/strict";
import { stateLeaf } from "../../../core/graph/leaf.ts";
import { planProgram } from "../../../core/graph/plan.ts";
import { createProgram } from "../../../core/graph/program.ts";
import type { Tensor } from "../../../core/graph/tensor.ts";
import { ones, tensor } from "../../../core/ops/mod.ts";
import { deviceTest } from "../../training/devices.ts";
import { runSteps } from "./program_runner.ts";

const leaves = Array.from({ length: 60 }, (_, place) => stateLeaf(`state ${place}`, [3, 4]));
const values = new Map(leaves.map((leaf, place) => {
  return [leaf, Float32Array.from({ length: 12 }, (_, at) => (at * (place + 1)) % 7)];
}));
const total = leaves.reduce((sum: Tensor, leaf) => sum.add(leaf), ones([]));
const outputs = [
  total,
  total.square().max(0),
  leaves.reduce((sum: Tensor, leaf) => sum.add(leaf.sum()), ones([])),
  ...leaves.map((leaf) => leaf.square().sum(0).max()),
];
const assignments = leaves.map((leaf) => ({ state: leaf, value: leaf.add(total.mul(0.125)) }));

Deno.test("no kernel binds more than eight buffers, of which the arena is one", () => {
  const plan = planProgram(createProgram(outputs, assignments));
  for (const { partition } of plan.phases.flat()) {
    const touched = [...partition.reads.keys(), ...partition.writes.keys()];
    const bound = new Set(touched.map((number) => plan.buffers[number].leaf ?? "arena"));
    assert.ok(bound.size <= 8, `${bound.size} buffers`);
  }
});

await deviceTest("what is computed from sixty states, and into them", async (device) => {
  const updates = assignments.slice(58);
  const result = await runSteps(device, [total.add(0), total.sum()], updates, values);
  const sums = Array.from({ length: 12 }, (_, at) => {
    return leaves.reduce((sum, leaf) => sum + values.get(leaf)![at], 1);
  });
  assert.deepEqual(result.outputs, [sums, [sums.reduce((a, b) => a + b)]]);
  assert.deepEqual(result.states[1], sums.map((sum, at) => (at * 60) % 7 + sum / 8));
});

await deviceTest(
  "what is computed from each of sixty states",
  async (device) => {
    const expected = leaves.map((leaf) => {
      const squares = values.get(leaf)!.map((value) => value * value);
      return [
        Math.max(...[0, 1, 2, 3].map((at) => squares[at] + squares[at + 4] + squares[at + 8])),
      ];
    });
    const result = await runSteps(device, outputs.slice(2), [], values);
    assert.deepEqual(result.outputs.slice(1), expected);
  },
  "reference",
  "webgpu",
);

const ramp = (size: number) => tensor(Float32Array.from({ length: size }, (_, at) => at % 5));

/** Values mixed with their neighbours, again and again: each value is of a larger diamond than before. */
function spread(x: Tensor, turns: number): Tensor {
  for (let turn = 0; turn < turns; turn++) {
    const [height, width] = x.shape.map((size) => size - 2);
    const at = (row: number, column: number) =>
      x.slice([row, column], [row + height, column + width]);
    const beside = at(0, 1).add(at(2, 1)).add(at(1, 0)).add(at(1, 2));
    x = beside.mul(0.125).add(at(1, 1).mul(0.5));
  }
  return x;
}

/** The sum of all elements, half upon half. */
function halved(x: Tensor): Tensor {
  const half = x.size / 2;
  return x.size === 1 ? x : halved(x.slice([0], [half]).add(x.slice([half], [x.size])));
}

await deviceTest(
  "a stencil that is applied many times, and a tree of sums",
  async (device) => {
    const linear = tensor(Float32Array.from({ length: 52 * 52 }, (_, at) => at % 52), {
      shape: [52, 52],
    });
    const { outputs: [spreaded, sum] } = await runSteps(
      device,
      [spread(linear, 24), halved(ramp(8192))],
      [],
      new Map(),
    );
    // Means of what rises evenly are what they were.
    assert.deepEqual(spreaded, [0, 1, 2, 3].flatMap(() => [24, 25, 26, 27]));
    assert.deepEqual(sum, [
      Array.from({ length: 8192 }, (_, at) => at % 5).reduce((a, b) => a + b),
    ]);
  },
  "reference",
  "cpu",
);
