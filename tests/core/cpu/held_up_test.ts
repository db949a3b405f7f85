/** Threads that do not come, come late, or are still there when a plan is freed. */
import assert from "node:assert/strict";
import {
  claimWords,
  controlWords,
  instantiateKernels,
  recordWords,
} from "../../../core/cpu/kernels/load.ts";
import { inputLeaf } from "../../../core/graph/leaf.ts";
import { createProgram } from "../../../core/graph/program.ts";
import "../../../core/ops/mod.ts";
import { numbers, world } from "./kernel_world.ts";
import { TestCpu } from "./test_cpu.ts";

const size = 24;

/** A plan that turns the columns of x by two: shares by columns, shares by rows, and claims of both. */
function turning() {
  const place = world(true);
  const { words, floats, control, scratch, kernels } = place;
  const plan = scratch + 4 * kernels.scratchBytes;
  const [x, y, p] = [1, 2, 3].map((i) => plan + i * 65536);
  words.fill(0, plan / 4, plan / 4 + 8 * recordWords);
  words[control / 4 + controlWords.scratch] = scratch;
  const square = [size, 1];
  for (let i = 0; i < 4; i += 2) {
    const product = [2, 1, size, 1, x, ...square, p, ...square, y, size, size, size, size, 1];
    words.set([...product, 0, 0, 0, i > 0 ? 1 : 0], plan / 4 + i * recordWords);
    words.set([4, 1, size, 1, y, x, 4 * size], plan / 4 + (i + 1) * recordWords);
  }
  for (const i of [2, 3]) words.set([2, 1], plan / 4 + i * recordWords + claimWords);
  for (let i = 0; i < size; ++i) floats[p / 4 + i * size + (i + 1) % size] = 1;
  for (let i = 0; i < size * size; ++i) floats[x / 4 + i] = i;
  /** Whether x has been turned by so many columns. */
  const turned = (by: number) => {
    for (let i = 0; i < size * size; ++i) {
      const at = i - i % size + (i + by) % size;
      assert.equal(floats[x / 4 + at], i, `element ${i}`);
    }
  };
  return { ...place, plan, turned };
}

Deno.test("threads: nobody waits for workers that never come", () => {
  const { kernels, control, plan, turned } = turning();
  for (let run = 1; run <= 20; ++run) {
    assert.equal(kernels.runPlan(control, plan, 2 + run % 3), 0);
    turned(2 * run);
  }
});

Deno.test("threads: the units of a plan may be more than 32 bits count", () => {
  const { kernels, control, plan, words } = turning();
  words.fill(0, plan / 4, plan / 4 + 8 * recordWords);
  for (let i = 0; i < 5; ++i) {
    // Copies of nothing.
    words.set([4, 1, 2 ** 30, 1, 0, 0, 0], plan / 4 + i * recordWords);
    words.set([2 ** 20, 1], plan / 4 + i * recordWords + claimWords);
  }
  for (let run = 0; run < 3; ++run) assert.equal(kernels.runPlan(control, plan, 2), 0);
  const [taken] = words.subarray(plan / 4 + 4 * recordWords + claimWords - 2);
  assert.equal(taken, 2 ** 30);
});

Deno.test("threads: a worker that comes when its run is over does nothing", () => {
  const { kernels, control, plan, turned, memory, table, words } = turning();
  // It still follows the command before the first.
  const late = instantiateKernels(memory, table);
  late.setControl(control);
  assert.equal(kernels.runPlan(control, plan, 2), 0);
  assert.equal(late.walk(plan, 1, 2), 0);
  turned(2);
  // As it comes in the middle of the next run: nothing of the plan is taken in that one yet.
  words[control / 4 + controlWords.generation] += 2;
  words[control / 4 + controlWords.finished] = 0;
  assert.equal(late.walk(plan, 1, 2), 0);
  turned(2);
});

Deno.test("threads: a worker that is ahead does the others' shares, too", () => {
  const { kernels, control, plan, turned, memory, table } = turning();
  const other = instantiateKernels(memory, table);
  for (const { setControl } of [kernels, other]) setControl(control);
  assert.equal(other.walk(plan, 1, 2), 0);
  turned(2);
  assert.equal(kernels.walk(plan, 0, 2), 0);
  turned(2);
});

Deno.test("threads: who frees a plan waits for those that still look at it", async () => {
  const { kernels, control, memory, words } = turning();
  const source = `onmessage = ({ data: { memory, walkers } }) => {
    const words = new Int32Array(memory.buffer);
    postMessage("here");
    setTimeout(() => {
      Atomics.store(words, 0, 1);
      Atomics.store(words, walkers, 0);
      close();
    }, 50);
  };`;
  const url = URL.createObjectURL(new Blob([source], { type: "text/javascript" }));
  const worker = new Worker(url, { type: "module" });
  const walkers = control / 4 + controlWords.walkers;
  words[walkers] = 1;
  const here = new Promise((resolve) => worker.onmessage = resolve);
  worker.postMessage({ memory, walkers });
  await here;
  assert.equal(words[0], 0);
  assert.equal(kernels.settle(control), 0);
  assert.equal(words[0], 1);
  words[walkers] = 1;
  words[control / 4 + controlWords.failed] = 1;
  assert.equal(kernels.settle(control), 1, "of a worker that failed nobody knows where it is");
  URL.revokeObjectURL(url);
});

Deno.test("threads: plans that come and go in the same memory are always right", async () => {
  using device = new TestCpu(3);
  await device.ready();
  const next = numbers(77);
  const x = device.allocate("f32", 64 * 64, "x");
  const values = Float32Array.from({ length: 64 * 64 }, () => next(2001) / 1000 - 1);
  x.write(values);
  const expected = new Map<number, string>();
  for (let round = 0; round < 400; ++round) {
    const rows = [8, 16, 32, 64][next(4)];
    const leaf = inputLeaf("x", [rows, 64], "f32");
    const turned = inputLeaf("x", [64, rows], "f32");
    const product = leaf.matmul(turned).relu();
    const executable = device.prepare(createProgram([product.matmul(product).sum()], []), () => x);
    for (let run = 0; run < 3; ++run) executable.run([]);
    const [sum] = await executable.read(0);
    executable.dispose();
    const known = expected.get(rows) ?? `${sum}`;
    expected.set(rows, known);
    assert.equal(`${sum}`, known, `round ${round}`);
  }
  assert.equal(expected.size, 4);
  assert.ok(device.together > 0);
});
