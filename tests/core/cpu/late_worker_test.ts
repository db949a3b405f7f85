/** A worker that comes in the middle of a profile: nothing is known of its clock yet. */
import assert from "node:assert/strict";
import { CpuExecutable } from "../../../core/cpu/executable.ts";
import { SharedMemory } from "../../../core/cpu/memory.ts";
import { CpuStorage } from "../../../core/cpu/storage.ts";
import { ThreadPool } from "../../../core/cpu/thread_pool.ts";
import { inputLeaf } from "../../../core/graph/leaf.ts";
import { planProgram } from "../../../core/graph/plan.ts";
import { createProgram } from "../../../core/graph/program.ts";
import "../../../core/ops/mod.ts";

Deno.test("a worker that is ready after clocks were compared takes part from the next step on", async () => {
  const memory = new SharedMemory();
  const pool = new ThreadPool(memory, 2);
  const run = pool.run.bind(pool);
  let late = 0;
  pool.run = (address, most) => run(address, late-- > 0 ? 1 : most);
  const a = inputLeaf("a", [128, 128], "f32");
  const plan = planProgram(createProgram([a.matmul(a)], []));
  const storage = new CpuStorage(memory, "f32", 128 * 128, "a");
  const executable = new CpuExecutable(plan, memory, pool, () => storage, 0);
  const ready = async () => {
    while (pool.kernels.readyThreads(64, 2) < 2) {
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
  };

  late = 2; // both comparisons of clocks are made by one thread
  for (const lanes of [1, 2]) {
    // The first profile brings a module, which the worker loads first.
    await ready();
    const { start, milliseconds, spans, lanes: names } = executable.profile([]);
    assert.equal(names.length, lanes);
    for (const span of spans) {
      assert(span.start >= start - 1 && span.end <= start + milliseconds + 1, `${span.start}`);
    }
  }
  executable.dispose();
  pool.dispose();
});
