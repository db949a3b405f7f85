/** States are replaced all at once, when the step ends, whatever is written in place. */
import assert from "node:assert/strict";
import { inputLeaf, stateLeaf } from "../../../core/graph/leaf.ts";
import { planProgram } from "../../../core/graph/plan.ts";
import { type Assignment, createProgram } from "../../../core/graph/program.ts";
import type { Tensor } from "../../../core/graph/tensor.ts";
import * as ops from "../../../core/ops/mod.ts";
import { deviceTest } from "../../training/devices.ts";
import { mulberry32 } from "../ops/generator.ts";
import { runSteps } from "./program_runner.ts";

interface Case {
  readonly name: string;
  /** First values of the states. */
  readonly states: readonly (readonly number[])[];
  /** Next values of some of them. */
  readonly next: (states: readonly Tensor[]) => (Tensor | null)[];
  readonly outputs?: (states: readonly Tensor[]) => Tensor[];
  readonly expected: readonly (readonly number[])[];
  readonly read?: readonly (readonly number[])[];
}

const cases: readonly Case[] = [
  {
    name: "a state read elsewhere after its update is computed keeps its old value there",
    states: [[1, 2]],
    next: ([a]) => [a.add(1)],
    outputs: ([a]) => [a.mul(10), a.sum(), a.add(1).mul(a)],
    expected: [[2, 3]],
    read: [[10, 20], [3], [2, 6]],
  },
  {
    name: "a product that reads a state comes before its update",
    states: [[1, 2, 3, 4]],
    next: ([a]) => [a.mul(0)],
    outputs: ([a]) => [a.reshape([2, 2]).matmul(a.reshape([2, 2]).transpose())],
    expected: [[0, 0, 0, 0]],
    read: [[5, 11, 11, 25]],
  },
  {
    name: "a state that is itself an output is read as it was before the step",
    states: [[1, 2]],
    next: ([a]) => [a.add(1)],
    outputs: ([a]) => [a],
    expected: [[2, 3]],
    read: [[1, 2]],
  },
  {
    name: "a view of a state that is an output is read as it was before the step",
    states: [[1, 2, 3, 4]],
    next: ([a]) => [a.add(1)],
    outputs: ([a]) => [a.slice([0], [2])],
    expected: [[2, 3, 4, 5]],
    read: [[1, 2]],
  },
  {
    name: "two states swap",
    states: [[1, 2], [3, 4]],
    next: ([a, b]) => [b, a],
    expected: [[3, 4], [1, 2]],
  },
  {
    name: "three states rotate",
    states: [[1, 2], [3, 4], [5, 6]],
    next: ([a, b, c]) => [b, c, a],
    expected: [[3, 4], [5, 6], [1, 2]],
  },
  {
    name: "two states swap with arithmetic",
    states: [[1, 2], [3, 4]],
    next: ([a, b]) => [b.add(1), a.mul(2)],
    expected: [[4, 5], [2, 4]],
  },
  {
    name: "a cycle of updates uses old values throughout",
    states: [[1, 2], [3, 4], [5, 6]],
    next: ([a, b, c]) => [a.add(b), b.add(c), c.add(a)],
    expected: [[4, 6], [8, 10], [6, 8]],
  },
  {
    name: "one state takes another's old value while that is replaced",
    states: [[1, 2], [3, 4]],
    next: ([a]) => [a.mul(2), a],
    expected: [[2, 4], [1, 2]],
  },
  {
    name: "one value goes to two states",
    states: [[1, 2], [3, 4]],
    next: ([a, b]) => [a.add(b), a.add(b)],
    expected: [[4, 6], [4, 6]],
  },
  {
    name: "a state is replaced by its own elements in another order",
    states: [[1, 2, 3, 4]],
    next: ([a]) => [a.reshape([2, 2]).transpose().reshape([4])],
    expected: [[1, 3, 2, 4]],
  },
  {
    name: "a state is replaced by its own elements in another order, with arithmetic",
    states: [[1, 2, 3, 4]],
    next: ([a]) => [a.reshape([2, 2]).transpose().reshape([4]).add(a)],
    expected: [[2, 5, 5, 8]],
  },
  {
    name: "a state is replaced by parts of itself",
    states: [[1, 2, 3]],
    next: ([a]) => [ops.concat([a.slice([1], [3]), a.slice([0], [1])])],
    expected: [[2, 3, 1]],
  },
  {
    name: "a state is replaced by what its sum makes of it",
    states: [[1, 2, 3]],
    next: ([a]) => [a.div(a.sum())],
    expected: [[1 / 6, 2 / 6, 3 / 6].map(Math.fround)],
  },
  {
    name: "a scan: each element takes its neighbour's old value",
    states: [[1, 2, 3, 4]],
    next: ([a]) => [ops.pad(a.slice([0], [3]), [[1, 0]], 9).add(0.5)],
    expected: [[9.5, 1.5, 2.5, 3.5]],
  },
  {
    name: "a state takes a constant, and a state takes itself",
    states: [[1, 2], [3, 4]],
    next: ([_, b]) => [ops.zeros([2]), b],
    expected: [[0, 0], [3, 4]],
  },
];

// Two threads have tests of their own, and a worker costs a type check of a second in a test.
const devices = ["reference", "cpu, 1", "webgpu"];

for (const { name, states, next, outputs = () => [], expected, read = [] } of cases) {
  await deviceTest(name, async (device) => {
    const leaves = states.map((values, place) => stateLeaf(`state ${place}`, [values.length]));
    const values = new Map(leaves.map((leaf, place) => [leaf, Float32Array.from(states[place])]));
    const assignments = next(leaves).flatMap((value, place): Assignment[] =>
      value ? [{ state: leaves[place], value }] : []
    );
    const result = await runSteps(device, outputs(leaves), assignments, values);
    assert.deepEqual(result, { outputs: read, states: expected });
  }, ...devices);
}

await deviceTest("many steps: Fibonacci numbers and their running sum", async (device) => {
  const [a, b, total] = ["a", "b", "total"].map((name) => stateLeaf(name, [3]));
  const values = new Map([
    [a, Float32Array.of(0, 0, 0)],
    [b, Float32Array.of(1, 2, 3)],
    [total, Float32Array.of(0, 0, 0)],
  ]);
  const assignments = [
    { state: a, value: b.add(0) },
    { state: b, value: a.add(b) },
    { state: total, value: total.add(b) },
  ];
  const { states } = await runSteps(device, [], assignments, values, 20);
  assert.deepEqual(states, [[6765, 13530, 20295], [10946, 21892, 32838], [17710, 35420, 53130]]);
}, ...devices);

await deviceTest(
  "states are replaced by themselves and by themselves in another order",
  async (device) => {
    const random = mulberry32(19);
    // Longer than what a thread reads ahead of its writes.
    const [rows, columns] = [24, 24];
    const updates: [next: (x: Tensor) => Tensor, at: (row: number, column: number) => number][] = [
      [(x) => x.add(x.transpose()), (row, column) => column * columns + row],
      [(x) => x.transpose().add(x), (row, column) => column * columns + row],
      [(x) => x.add(x.slice([1, 0], [2, columns])), (_, column) => columns + column],
      [(x) => x.slice([1, 0], [2, columns]).add(x), (_, column) => columns + column],
      [(x) => x.slice([0, 1], [rows, 2]).add(x), (row) => row * columns + 1],
    ];
    const given = updates.map(() => Float32Array.from({ length: rows * columns }, random));
    const leaves = updates.map((_, place) => stateLeaf(`state ${place}`, [rows, columns]));
    const assignments = leaves.map((state, place) => ({ state, value: updates[place][0](state) }));
    const values = new Map(leaves.map((leaf, place) => [leaf, given[place]]));
    const { states } = await runSteps(device, [], assignments, values);
    updates.forEach(([, at], place) => {
      const old = given[place];
      const expected = old.map((value, n) => value + old[at(Math.floor(n / columns), n % columns)]);
      assert.deepEqual(states[place], [...expected], `state ${place}`);
    });
  },
  ...devices,
);

Deno.test("an update that may be done in place has no copy and no memory of its own", () => {
  const state = stateLeaf("weight", [100]), gradient = inputLeaf("gradient", [100], "f32");
  const plan = planProgram(
    createProgram([], [{ state, value: state.sub(gradient.mul(0.1)) }]),
  );
  assert.equal(plan.phases.flat().length, 1);
  assert.equal(plan.arenaBytes, 0);
});

Deno.test("an update that must not be in place is copied after the last reader", () => {
  const state = stateLeaf("weight", [4, 4]);
  const plan = planProgram(createProgram([], [{ state, value: state.transpose().add(1) }]));
  assert.equal(plan.phases.flat().length, 2);
  assert.ok(plan.arenaBytes >= 64);
});
