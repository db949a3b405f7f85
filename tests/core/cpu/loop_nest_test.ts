/** Along which dimension the lanes of a sum run: the one along which most of what it reads lies. */
import assert from "node:assert/strict";
import { makeNest } from "../../../core/cpu/wasm/loop_nest.ts";
import { inputLeaf, iota } from "../../../core/graph/leaf.ts";
import { collapse } from "../../../core/graph/loop.ts";
import { planProgram } from "../../../core/graph/plan.ts";
import { createProgram } from "../../../core/graph/program.ts";
import type { Tensor } from "../../../core/graph/tensor.ts";
import { equal, select } from "../../../core/ops/mod.ts";
import { runSteps } from "../graph/program_runner.ts";
import { numbers } from "./kernel_world.ts";
import { TestCpu } from "./test_cpu.ts";

const leaf = (dtype: "f32" | "i32", ...shape: number[]) =>
  inputLeaf(`${dtype}${shape}`, shape, dtype);
const [x, y] = [leaf("f32", 60, 37), leaf("f32", 60, 37).neg()];
/** Numbers of rows, which lie side by side as those of a row do. */
const [least, scale, label] = [leaf("f32", 60, 1), leaf("f32", 1, 60), leaf("i32", 60, 1)];

/** What a loss takes of a row of logits; the slope of a weight that many rows have been multiplied by. */
const picked = select(equal(iota([60, 37], 1, "i32"), label), x.sub(least), 0);
const slopes = x.mul(y.sub(least)).mul(scale.reshape([60, 1]));

/** Whether lanes run along a row. */
function alongRows(output: Tensor, axis: number): boolean {
  const calls = planProgram(createProgram([output], [])).phases.flat();
  assert.equal(calls.length, 1);
  assert.ok(calls[0].kind === "loop");
  const { inner, outer } = makeNest(collapse(calls[0].kernel));
  return inner >= outer === (axis === 1);
}

Deno.test("lanes of sums run along rows, however many numbers a row has of its own", () => {
  for (const value of [x, picked, slopes]) {
    for (const axis of [0, 1]) assert.ok(alongRows(value.sum(axis), axis));
  }
  for (const axis of [0, 1]) assert.ok(!alongRows(x.transpose().sum(axis), axis));
});

Deno.test("sums of rows with numbers of their own are right, on one thread and two", async () => {
  const next = numbers(41);
  const random = (size: number) => Float32Array.from({ length: size }, () => next(2001) / 1000 - 1);
  const values = new Map<Tensor, Float32Array | Int32Array>([
    [x, random(x.size)],
    [y.inputs[0], random(x.size)],
    [least, random(60)],
    [scale, random(60)],
    [label, Int32Array.from({ length: 60 }, () => next(37))],
  ]);
  const outputs = [picked.sum(1), slopes.sum(0), slopes.sum(1), picked.sum(0)];
  using one = new TestCpu(1);
  using two = new TestCpu(2);
  await two.ready();
  const results = (await runSteps(one, outputs, [], values)).outputs;
  assert.deepEqual((await runSteps(two, outputs, [], values)).outputs, results);
  const expected = [60, 37, 60, 37].map((size) => new Float64Array(size));
  for (let row = 0; row < 60; row++) {
    for (let column = 0; column < 37; column++) {
      const at = row * 37 + column;
      const difference = Math.fround(values.get(x)![at] - values.get(least)![row]);
      const taken = column === values.get(label)![row] ? difference : 0;
      const slope = values.get(x)![at] * (-values.get(y.inputs[0])![at] - values.get(least)![row]) *
        values.get(scale)![row];
      [taken, slope, slope, taken].forEach((value, place) =>
        expected[place][place % 2 ? column : row] += value
      );
    }
  }
  expected.forEach((sums, place) => {
    const got = results[place];
    assert.equal(got.length, sums.length);
    got.forEach((value, at) => assert.ok(Math.abs(value - sums[at]) < 2e-5, `${place}, ${at}`));
  });
});
