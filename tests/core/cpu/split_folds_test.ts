/** Long folds with few results are cut in parts that threads share. */
import assert from "node:assert/strict";
import type { TensorData } from "../../../core/graph/dtype.ts";
import { inputLeaf, iota, stateLeaf } from "../../../core/graph/leaf.ts";
import { planProgram } from "../../../core/graph/plan.ts";
import { createProgram } from "../../../core/graph/program.ts";
import type { Tensor } from "../../../core/graph/tensor.ts";
import "../../../core/ops/mod.ts";
import { openReference } from "../../../core/cpu/reference_device.ts";
import { runSteps } from "../graph/program_runner.ts";
import { numbers } from "./kernel_world.ts";
import { TestCpu } from "./test_cpu.ts";

const x = (...shape: number[]) => inputLeaf("x", shape, "f32");

/** How many parts `output` is folded in: the first dimension of the first of two calls. */
function partsOf(output: Tensor): number {
  const calls = planProgram(createProgram([output], []), { splitFolds: true }).phases.flat();
  if (calls.length === 1) return 1;
  assert.equal(calls.length, 2);
  const [first, second] = calls.map((call) => call.kind === "loop" ? call.kernel : assert.fail());
  assert.equal(first.shape[0], second.shape.at(-1));
  assert.equal(first.reducer, second.reducer);
  return first.shape[0];
}

const cut: readonly [string, Tensor, number][] = [
  ["all of them", x(1 << 16).sum(), 64],
  ["fewer than are worth it", x((1 << 16) - 64).sum(), 1],
  ["by channels", x(32, 32, 32, 16).square().sum([0, 1, 2]), 64],
  ["with a factor of each channel", x(65536, 16).mul(inputLeaf("y", [16], "f32")).max(0), 64],
  ["of 50 samples", x(50, 37, 37, 7).min([0, 1, 2]), 50],
  ["of a prime number of rows", x(65537, 3).sum(0), 1],
  ["128 columns", x(4096, 128).sum(0), 64],
  ["129 columns", x(4096, 129).sum(0), 1],
  ["three rows", x(3, 65536).sum(1), 64],
  ["eight rows", x(8, 65536).sum(1), 1],
  ["numbers beside rows", x(8, 65536).mul(inputLeaf("y", [8, 1], "f32")).sum(1), 1],
  ["of a column in each row", x(4096, 64).transpose().sum(1), 64],
  ["truths", x(1 << 17).greater(0).cast("i32").sum(), 64],
];
for (const [name, output, parts] of cut) {
  Deno.test(`a fold in parts: ${name}`, () => assert.equal(partsOf(output), parts));
}

const outputs: readonly ((a: Tensor, b: Tensor) => Tensor)[] = [
  (a) => a.sum(),
  (a) => a.square().max(),
  (a, b) => a.mul(b).sum([0, 1]),
  (a, b) => a.sub(b).min([0, 1]),
  (a) => a.mul(1024).cast("i32").sum([0, 1]),
  (a) => a.transpose([2, 0, 1]).sum([1, 2]),
  (a) => a.add(iota(a.shape, 1, "f32")).max([0, 1]),
  (a) => iota(a.shape, 0, "f32").mul(a).sum([0, 1]),
];

Deno.test("folds in parts are those of the reference, with the same bits on one thread and two", async () => {
  const next = numbers(31);
  using one = new TestCpu(1);
  using two = new TestCpu(2);
  using reference = openReference();
  one.splitFolds = two.splitFolds = true;
  for (let round = 0; round < 12; round++) {
    const columns = 1 + next(63);
    const rows = 16 * (1 + next(6));
    const shape = [rows, Math.ceil((1 << 16) / rows / columns) + next(40), columns];
    const [a, b] = ["a", "b"].map((name) => inputLeaf(name, shape, "f32"));
    const data = () => Float32Array.from({ length: a.size }, () => next(2049) / 1024 - 1);
    const values = new Map<Tensor, TensorData>([[a, data()], [b, data()]]);
    const folded = outputs.map((output) => output(a, b));
    const { outputs: exact } = await runSteps(reference, folded, [], values);
    const { outputs: found } = await runSteps(one, folded, [], values);
    const { outputs: other } = await runSteps(two, folded, [], values);
    assert.deepEqual(other, found);
    assert.ok(two.plans.at(-1)!.phases.flat().length > folded.length, `${shape}: nothing was cut`);
    exact.forEach((numbers, place) => {
      const most = Math.max(1, ...numbers.map(Math.abs));
      numbers.forEach((number, at) => {
        const off = Math.abs(found[place][at] - number);
        assert.ok(off <= 1e-5 * most, `output ${place} of ${shape}: ${off} of ${most}`);
      });
    });
  }
  assert.equal(two.together, 12, "both threads took part");
});

for (const first of ["the fold", "the next value"]) {
  Deno.test(`a fold in parts is of a state as it was before it is replaced: ${first} comes first`, async () => {
    const next = numbers(32);
    using cpu = new TestCpu(2);
    cpu.splitFolds = true;
    const state = stateLeaf("state", [4096, 16]);
    const before = Float32Array.from({ length: state.size }, () => next(2049) / 1024 - 1);
    const [value, total] = [state.mul(2), state.sum(0)];
    const outputs = first === "the fold" ? [total, value.max()] : [value.max(), total];
    const values = new Map([[state, before]]);
    const found = await runSteps(cpu, outputs, [{ state, value }], values);
    const expected = new Float64Array(16);
    before.forEach((number, at) => expected[at % 16] += number);
    assert.deepEqual(found.outputs[outputs.indexOf(total)], [...expected]);
    assert.deepEqual(found.states[0], [...before].map((number) => 2 * number));
    assert.ok(cpu.plans[0].phases.flat().length >= 4);
  });
}
