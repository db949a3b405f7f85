/** Programs of fused loops and structured calls on the CPU, against their definition. */
import assert from "node:assert/strict";
import { openReference } from "../../../core/cpu/reference_device.ts";
import type { Device } from "../../../core/graph/device.ts";
import { constantLeaf, inputLeaf } from "../../../core/graph/leaf.ts";
import { createProgram, type Program } from "../../../core/graph/program.ts";
import type { Tensor } from "../../../core/graph/tensor.ts";
import * as ops from "../../../core/ops/mod.ts";
import { type LeafValues, ProgramRunner } from "../graph/program_runner.ts";
import { randomProgram } from "../graph/random_program.ts";
import { mulberry32 } from "../ops/generator.ts";
import { TestCpu } from "./test_cpu.ts";

/** Outputs and states after each of `steps` steps. */
async function run(
  device: Device,
  { program, values }: { program: Program; values: LeafValues },
  steps = 2,
): Promise<number[][]> {
  const runner = new ProgramRunner(device, program, values);
  await (device as Partial<TestCpu>).ready?.();
  const results: number[][] = [];
  for (let step = 0; step < steps; step++) {
    await runner.step();
    for (const data of await runner.outputs()) results.push(Array.from(data));
    for (const { state } of program.assignments) {
      results.push(Array.from(await runner.state(state)));
    }
  }
  runner.dispose();
  return results;
}

function assertClose(actual: number[][], expected: number[][], message: string): void {
  assert.equal(actual.length, expected.length);
  actual.forEach((values, place) =>
    values.forEach((value, at) => {
      const right = expected[place][at];
      const close = Math.abs(value - right) <= 2e-5 * (1 + Math.abs(right));
      assert.ok(
        close || Object.is(value, Math.fround(right)),
        `${message}: ${value} for ${right} (result ${place}, element ${at})`,
      );
    })
  );
}

Deno.test("random programs: the CPU agrees with the reference, and two threads with one", async () => {
  const reference = openReference();
  using one = new TestCpu(1);
  using two = new TestCpu(2);
  for (let seed = 0; seed < 120; seed++) {
    const random = randomProgram(mulberry32(1000 + seed), 6 + seed % 20);
    const result = await run(one, random);
    assertClose(result, await run(reference, random), `seed ${seed}`);
    assert.deepEqual(await run(two, random), result, `seed ${seed}: one thread and two`);
  }
  assert.equal(two.together, 240, "both threads took part in every step");
});

/** Every subset of `count` axes. */
function subsets(count: number): number[][] {
  return Array.from({ length: 2 ** count }, (_, bits) => {
    return Array.from({ length: count }, (_, axis) => axis).filter((axis) => bits >> axis & 1);
  });
}

const layouts: readonly [string, (x: Tensor) => Tensor][] = [
  ["plain", (x) => x],
  ["transposed", (x) => x.transpose()],
  ["sliced", (x) => x.slice(x.shape.map((n) => n > 2 ? 1 : 0), [...x.shape])],
  ["broadcast", (x) => ops.broadcastTo(ops.expandDims(x, 0), [3, ...x.shape])],
  ["computed", (x) => x.mul(0.5).abs().sub(1)],
];

for (const [name, reduce] of [["sum", ops.sum], ["max", ops.max], ["min", ops.min]] as const) {
  Deno.test(`${name} over every subset of axes of every layout, on one thread and two`, async () => {
    const random = mulberry32(name.length);
    const reference = openReference();
    using one = new TestCpu(1);
    using two = new TestCpu(2);
    for (const shape of [[1], [37], [8, 5], [1, 9], [3, 4, 17], [2, 1, 5, 6]]) {
      const leaf = inputLeaf("x", shape, "f32");
      const data = Float32Array.from({ length: leaf.size }, () => random() * 4 - 2);
      for (const [layout, view] of layouts) {
        const x = view(leaf);
        const outputs = subsets(x.rank).map((axes) => reduce(x, axes));
        const made = { program: createProgram(outputs, []), values: new Map([[leaf, data]]) };
        const result = await run(one, made, 1);
        assertClose(result, await run(reference, made, 1), `${layout} [${shape}]`);
        assert.deepEqual(await run(two, made, 1), result, `${layout} [${shape}], two threads`);
      }
    }
  });
}

Deno.test("a worker finds loops in memory that has grown since it started", async () => {
  for (let round = 0; round < 5; round++) {
    using device = new TestCpu(2);
    await device.ready();
    // What is compiled next lies past all that the worker has seen.
    for (let block = 0; block < 8; block++) device.allocate("f32", 1 << 20, "a large block");
    const x = inputLeaf("x", [5000], "f32");
    const data = Float32Array.from({ length: 5000 }, (_, index) => Math.sin(index));
    const made = { program: createProgram([x.sum(), x.exp()], []), values: new Map([[x, data]]) };
    assertClose(await run(device, made), await run(openReference(), made), `round ${round}`);
  }
});

Deno.test("reductions to scalars feed later loops, on any number of threads", async () => {
  const random = mulberry32(11);
  for (const size of [1, 3, 1000, 1025, 5000]) {
    const x = inputLeaf("x", [size], "f32");
    const data = Float32Array.from({ length: size }, () => random());
    const total = x.sum();
    const outputs = [total, x.div(total).sum(), x.sub(x.max()).exp().mul(total), total.sqrt()];
    const made = { program: createProgram(outputs, []), values: new Map([[x, data]]) };
    const expected = await run(openReference(), made, 3);
    for (const threads of [1, 2]) {
      using device = new TestCpu(threads);
      assertClose(await run(device, made, 3), expected, `${size} elements, ${threads} threads`);
    }
  }
});

Deno.test("integers: wrapping sums, extremes and comparisons are exact", async () => {
  const random = mulberry32(12);
  using cpu = new TestCpu(1);
  const reference = openReference();
  for (const dtype of ["i32", "u32"] as const) {
    const leaf = inputLeaf("x", [7, 9], dtype);
    const words = Float64Array.from({ length: 63 }, () => Math.floor(random() * 2 ** 32));
    const data = dtype === "i32" ? Int32Array.from(words) : Uint32Array.from(words);
    const outputs = [
      leaf.sum(),
      leaf.sum(0),
      leaf.sum(1),
      leaf.max(1),
      leaf.min(0),
      leaf.mul(leaf).add(3).sum(),
      leaf.greater(leaf.transpose().reshape([7, 9])).cast("u32"),
      leaf.argMax(),
    ];
    const made = { program: createProgram(outputs, []), values: new Map([[leaf, data]]) };
    assert.deepEqual(await run(cpu, made, 1), await run(reference, made, 1), dtype);
  }
});

Deno.test("tensors without elements are computed, and their sums are 0", async () => {
  using cpu = new TestCpu(1);
  const none = ops.zeros([0, 3]);
  const outputs = [none.add(1), none.sum(0), none.sum(1), none.transpose().sum(), none.mean(1)];
  const made = { program: createProgram(outputs, []), values: new Map() };
  assert.deepEqual(await run(cpu, made, 1), [[], [0, 0, 0], [], [0], []]);
});

Deno.test("a kept value is read back through views that only move axes of size 1", async () => {
  using cpu = new TestCpu(1);
  for (const shape of [[1, 1], [3, 1], [1, 3]]) {
    const x = inputLeaf("x", shape, "f32");
    const kept = x.mul(2).tanh();
    const there = kept.transpose().reshape(shape);
    const values = new Map([[x, Float32Array.of(0.5, 1, 2).subarray(0, x.size)]]);
    const made = { program: createProgram([kept, there.mul(2)], []), values };
    assertClose(await run(cpu, made, 1), await run(openReference(), made, 1), `[${shape}]`);
  }
});

Deno.test("loops that differ in a literal's sign of zero alone are different kernels", async () => {
  using cpu = new TestCpu(1);
  const x = constantLeaf(Float32Array.of(1, -2), [2], "f32");
  const divide = (by: number) => ({ program: createProgram([x.div(by)], []), values: new Map() });
  assert.deepEqual(await run(cpu, divide(0), 1), [[Infinity, -Infinity]]);
  assert.deepEqual(await run(cpu, divide(-0), 1), [[-Infinity, Infinity]]);
});

Deno.test("a kernel is compiled once for a device, whatever buffers it works on", async () => {
  using cpu = new TestCpu(1);
  for (const value of [1, 2, 3]) {
    const x = constantLeaf(Float32Array.of(value, 0), [2], "f32");
    const made = { program: createProgram([x.mul(2)], []), values: new Map() };
    assert.deepEqual(await run(cpu, made, 1), [[2 * value, 0]]);
  }
  assert.equal(cpu.modules, 1);
});

Deno.test("NaN goes through sums, extremes and relu, and is not hidden", async () => {
  using cpu = new TestCpu(1);
  const x = constantLeaf(Float32Array.of(1, NaN, 3, 4, 5), [5], "f32");
  const y = x.reshape([5, 1]);
  const outputs = [x.sum(), x.max(), x.min(), y.max(0), x.relu(), x.maximum(2), x.minimum(2)];
  const made = { program: createProgram(outputs, []), values: new Map() };
  assert.deepEqual(await run(cpu, made, 1), [
    [NaN],
    [NaN],
    [NaN],
    [NaN],
    [1, NaN, 3, 4, 5],
    [2, NaN, 3, 4, 5],
    [1, NaN, 2, 2, 2],
  ]);
});
