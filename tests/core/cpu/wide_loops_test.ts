/** Loops over many elements that compute little go several vectors at a time. */
import assert from "node:assert/strict";
import { openReference } from "../../../core/cpu/reference_device.ts";
import { isLight, makeNest } from "../../../core/cpu/wasm/loop_nest.ts";
import type { TensorData } from "../../../core/graph/dtype.ts";
import { inputLeaf, iota } from "../../../core/graph/leaf.ts";
import { collapse } from "../../../core/graph/loop.ts";
import { planProgram } from "../../../core/graph/plan.ts";
import { createProgram } from "../../../core/graph/program.ts";
import type { Tensor } from "../../../core/graph/tensor.ts";
import { select } from "../../../core/ops/mod.ts";
import { runSteps } from "../graph/program_runner.ts";
import { numbers } from "./kernel_world.ts";
import { TestCpu } from "./test_cpu.ts";

const isWide = (output: Tensor) => {
  const [call] = planProgram(createProgram([output], [])).phases.flat();
  return call.kind === "loop" && isLight(makeNest(collapse(call.kernel)));
};

Deno.test("loops over many elements with light bodies take several vectors at once; others do not", () => {
  const x = (...shape: number[]) => inputLeaf("x", shape, "f32");
  assert.ok(isWide(x(4096).mul(2).add(1)));
  assert.ok(isWide(x(64, 64).sub(inputLeaf("y", [64], "f32")).relu()));
  assert.ok(!isWide(x(4095).mul(2).add(1)));
  assert.ok(!isWide(x(4096).exp()));
  assert.ok(!isWide(x(4096).tanh().mul(2)));
});

type Layer = (x: Tensor, column: Tensor, row: Tensor) => Tensor;
const layers: readonly Layer[] = [
  (x, column) => x.mul(column).add(0.5).relu(),
  (x, column, row) => x.sub(row).mul(column),
  (x) => x.greater(0.25),
  (x, column) => select(x.greater(column), x, x.neg()),
  (x) => x.mul(1024).cast("i32").add(iota(x.shape, 1, "i32")),
  (x, _, row) => x.transpose().add(row.transpose()),
  (x) => x.slice([1, 0], [x.shape[0], x.shape[1]]).square(),
  (x) => iota(x.shape, 0, "f32").sub(x),
];

Deno.test("loops over many elements are those of the reference, whatever is left after whole vectors", async () => {
  const next = numbers(41);
  using one = new TestCpu(1);
  using two = new TestCpu(2);
  using reference = openReference();
  for (let round = 0; round < 40; round++) {
    const columns = 1 + next(round < 20 ? 70 : 5000);
    const shape = [2 + Math.ceil(4500 / columns) + next(9), columns];
    const x = inputLeaf("x", shape, "f32");
    const column = inputLeaf("column", [columns], "f32");
    const row = inputLeaf("row", [shape[0], 1], "f32");
    const values = new Map<Tensor, TensorData>(
      [x, column, row].map((leaf) => [
        leaf,
        Float32Array.from({ length: leaf.size }, () => next(2049) / 1024 - 1),
      ]),
    );
    const outputs = layers.map((layer) => layer(x, column, row));
    assert.ok(outputs.filter(isWide).length >= outputs.length - 1);
    const { outputs: expected } = await runSteps(reference, outputs, [], values);
    const { outputs: found } = await runSteps(one, outputs, [], values);
    const { outputs: other } = await runSteps(two, outputs, [], values);
    assert.deepEqual(other, found, `${shape}: one thread and two`);
    found.forEach((data, place) =>
      data.forEach((value, at) => {
        const off = Math.abs(value - expected[place][at]);
        assert.ok(off <= 1e-6 * (1 + Math.abs(value)), `output ${place} of ${shape} at ${at}`);
      })
    );
  }
  assert.equal(two.together, 40, "both threads took part");
});
