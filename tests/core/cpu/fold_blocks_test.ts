/** Sums over rows go through memory in order, block by block; long sums are sums of sums. */
import assert from "node:assert/strict";
import { rowsOfBlock, rowsOfPart } from "../../../core/cpu/wasm/fold_blocks.ts";
import { type LoopNest, makeNest } from "../../../core/cpu/wasm/loop_nest.ts";
import { inputLeaf } from "../../../core/graph/leaf.ts";
import { collapse } from "../../../core/graph/loop.ts";
import { planProgram } from "../../../core/graph/plan.ts";
import { createProgram } from "../../../core/graph/program.ts";
import type { Tensor } from "../../../core/graph/tensor.ts";
import "../../../core/ops/mod.ts";
import { runSteps } from "../graph/program_runner.ts";
import { numbers } from "./kernel_world.ts";
import { TestCpu } from "./test_cpu.ts";

/** The loops of the one call that computes `output`. */
function nestOf(output: Tensor): LoopNest {
  const calls = planProgram(createProgram([output], [])).phases.flat();
  assert.equal(calls.length, 1);
  const [call] = calls;
  assert.ok(call.kind === "loop");
  return makeNest(collapse(call.kernel));
}

/** Rows of a block. */
const blockOf = (output: Tensor) => rowsOfBlock(nestOf(output));

Deno.test("large sums over rows go block by block; small ones, narrow ones and those along rows do not", () => {
  const x = (...shape: number[]) => inputLeaf("x", shape, "f32");
  assert.equal(blockOf(x(4096, 64).sum(0)), 64);
  assert.equal(blockOf(x(4096, 64).square().max(0)), 64);
  assert.equal(blockOf(x(4096, 64).mul(inputLeaf("y", [4096, 64], "f32")).sum(0)), 32);
  assert.equal(blockOf(x(4096, 500).sum(0)), 8);
  assert.equal(blockOf(x(512, 64).sum(0)), 0);
  assert.equal(blockOf(x(20000, 16).sum(0)), 0);
  assert.equal(blockOf(x(64, 4096).sum(1)), 0);
  assert.equal(blockOf(x(8, 10000).sum(0)), 0);
});

Deno.test("sums over rows in blocks are those of each column, on one thread and two", async () => {
  const next = numbers(21);
  using one = new TestCpu(1);
  using two = new TestCpu(2);
  await two.ready();
  for (let round = 0; round < 8; round++) {
    const columns = 17 + next(90);
    const rows = Math.ceil((1 << 16) / columns) + next(50);
    const x = inputLeaf("x", [rows, columns], "f32");
    const y = inputLeaf("y", [rows, columns], "f32");
    const data = [x, y].map(({ size }) =>
      Float32Array.from({ length: size }, () => next(2001) / 1000 - 1)
    );
    const outputs = [x.sum(0), x.mul(y).sum(0), x.max(0), x.mul(1e4).cast("i32").sum(0)];
    assert.ok(outputs.every((output) => blockOf(output) > 0));
    const values = new Map([[x, data[0]], [y, data[1]]]);
    const result = (await runSteps(one, outputs, [], values)).outputs;
    assert.deepEqual((await runSteps(two, outputs, [], values)).outputs, result);
    for (let column = 0; column < columns; column++) {
      let [sum, products, most, whole] = [0, 0, -Infinity, 0];
      for (let at = column; at < rows * columns; at += columns) {
        const [a, b] = [data[0][at], data[1][at]];
        sum += a;
        products += a * b;
        most = Math.max(most, a);
        whole += Math.trunc(Math.fround(a * 1e4));
      }
      assert.ok(Math.abs(result[0][column] - sum) < 1e-4);
      assert.ok(Math.abs(result[1][column] - products) < 1e-4);
      assert.equal(result[2][column], most);
      assert.equal(result[3][column], whole);
    }
  }
});

Deno.test("sums and maxima in blocks over dimensions between others are those of each sample, on one thread and two", async () => {
  const next = numbers(22);
  using one = new TestCpu(1);
  using two = new TestCpu(2);
  await two.ready();
  const cases: [number[], number[]][] = [
    [[3, 700, 100], [1]],
    [[5, 30, 60, 40], [1, 2]],
    [[2, 2, 1700, 40], [2]],
  ];
  for (const [shape, axes] of cases) {
    const x = inputLeaf("x", shape, "f32");
    const data = Float32Array.from({ length: x.size }, () => next(2001) / 1000 - 1);
    const columns = shape.at(-1)!;
    const rows = axes.reduce((product, axis) => product * shape[axis], 1);
    const sums = new Float64Array(x.size / rows);
    const most = new Float32Array(x.size / rows).fill(-Infinity);
    data.forEach((value, at) => {
      const to = Math.floor(at / (rows * columns)) * columns + at % columns;
      sums[to] += value;
      most[to] = Math.max(most[to], value);
    });
    for (const [output, expected] of [[x.sum(axes), sums], [x.max(axes), most]] as const) {
      assert.ok(blockOf(output) > 0);
      for (const cpu of [one, two]) {
        const { outputs } = await runSteps(cpu, [output], [], new Map([[x, data]]));
        outputs[0].forEach((value, at) => assert.ok(Math.abs(value - expected[at]) < 1e-4));
      }
    }
  }
});

Deno.test("long sums are sums of sums, and round little: 0.1 a million times, along rows, over rows and over both", async () => {
  using one = new TestCpu(1);
  using two = new TestCpu(2);
  await two.ready();
  const cases: [shape: number[], axes: number[], parts: boolean][] = [
    [[1_000_000], [0], true],
    [[999_999], [0], true],
    [[4, 250_003], [1], true],
    [[250_001, 4], [0], true],
    [[70_001, 7], [0], true],
    [[3, 600, 500], [1, 2], true],
    [[500, 3, 601], [0, 2], true],
    [[1000, 3, 40], [0, 1], true],
    [[300, 3, 40], [0, 1], false],
    [[512, 7], [0], false],
  ];
  for (const [shape, axes, parts] of cases) {
    const x = inputLeaf("x", shape, "f32");
    const output = x.sum(axes);
    assert.equal(rowsOfPart(nestOf(output)) > 0, parts, `${shape} over ${axes}`);
    assert.equal(rowsOfPart(nestOf(x.max(axes))), 0);
    // Numbers that grow show a part that is left out, or added twice.
    const data = Float32Array.from({ length: x.size }, (_, at) => 0.1 + 0.1 * at / x.size);
    const expected = new Float64Array(output.size);
    const kept = shape.map((size, axis) => axes.includes(axis) ? 1 : size);
    data.forEach((value, at) => {
      let [to, stride, rest] = [0, 1, at];
      for (let axis = shape.length - 1; axis >= 0; axis--) {
        if (!axes.includes(axis)) {
          to += rest % shape[axis] * stride;
          stride *= kept[axis];
        }
        rest = Math.floor(rest / shape[axis]);
      }
      expected[to] += value;
    });
    const values = new Map([[x, data]]);
    const { outputs: [found] } = await runSteps(one, [output], [], values);
    assert.deepEqual((await runSteps(two, [output], [], values)).outputs, [found]);
    found.forEach((value, at) => {
      const off = Math.abs(value / expected[at] - 1);
      assert.ok(off < 1e-5, `${shape} over ${axes}: off by ${off}`);
    });
  }
});
