/** Small plans are walked by one thread or by all, whichever is found faster. */
import assert from "node:assert/strict";
import { CpuExecutable } from "../../../core/cpu/executable.ts";
import { SharedMemory } from "../../../core/cpu/memory.ts";
import { CpuStorage } from "../../../core/cpu/storage.ts";
import { ThreadChoice } from "../../../core/cpu/thread_choice.ts";
import { ThreadPool } from "../../../core/cpu/thread_pool.ts";
import { inputLeaf } from "../../../core/graph/leaf.ts";
import { planProgram } from "../../../core/graph/plan.ts";
import { createProgram } from "../../../core/graph/program.ts";
import "../../../core/ops/mod.ts";

/** Makes runs that take so long on one and on four threads; gives the threads of each. */
function runs(choice: ThreadChoice, count: number, one: number, four: number, there = 4): number[] {
  return Array.from({ length: count }, () => {
    const { threads } = choice;
    choice.ran(choice.timed ? (threads === 1 ? one : four) : 0, Math.min(threads, there));
    return threads;
  });
}

const trial = [...Array(10).fill(1), ...Array(10).fill(4)];

Deno.test("thread choice: one thread and all are tried, and the faster goes on", () => {
  assert.deepEqual(runs(new ThreadChoice(4), 23, 10, 6), [...trial, 4, 4, 4]);
  assert.deepEqual(runs(new ThreadChoice(4), 23, 6, 10), [...trial, 1, 1, 1]);
});

Deno.test("thread choice: what was found best is known during a trial, too", () => {
  const choice = new ThreadChoice(4);
  assert.equal(choice.chosen, 4);
  runs(choice, 2048, 6, 10);
  assert.deepEqual([choice.timed, choice.chosen], [true, 1]);
});

Deno.test("thread choice: it is made anew, and changed for a twentieth at least", () => {
  const choice = new ThreadChoice(4);
  const until = runs(choice, 2048, 10, 6);
  assert.equal(until.filter((threads) => threads === 1).length, 10);
  assert.deepEqual(runs(choice, 22, 9.7, 10), [...trial, 4, 4]);
  runs(choice, 2048 - 22, 0, 0);
  assert.deepEqual(runs(choice, 22, 9, 10), [...trial, 1, 1]);
  runs(choice, 2048 - 22, 0, 0);
  assert.deepEqual(runs(choice, 22, 10, 9.7), [...trial, 1, 1]);
  runs(choice, 2048 - 22, 0, 0);
  assert.deepEqual(runs(choice, 22, 10, 9), [...trial, 4, 4]);
});

Deno.test("thread choice: a run that the system holds up does not decide", () => {
  for (const faster of [1, 4]) {
    const choice = new ThreadChoice(4);
    for (let run = 0; run < 20; run++) {
      const { threads } = choice;
      const time = threads === faster ? 6 : 8;
      choice.ran(threads === faster && run % 5 === 4 ? 1000 : time, threads);
    }
    assert.equal(choice.chosen, faster);
  }
});

Deno.test("thread choice: workers that are not there yet are tried again", () => {
  const choice = new ThreadChoice(4);
  assert.deepEqual(runs(choice, 11, 10, 6, 2), trial.slice(0, 11));
  assert.deepEqual(runs(choice, 21, 10, 6), [...trial, 4]);
  assert.deepEqual(runs(new ThreadChoice(1), 30, 1, 1), Array(30).fill(1));
  assert.equal(new ThreadChoice(1).timed, false);
});

Deno.test("thread choice: small plans are tried on one thread, large ones are not", async () => {
  for (const [size, small] of [[64, true], [512, false]] as const) {
    const memory = new SharedMemory();
    const pool = new ThreadPool(memory, 2);
    const asked: (number | undefined)[] = [];
    const run = pool.run.bind(pool);
    pool.run = (address, most) => {
      asked.push(most);
      return run(address, most);
    };
    const a = inputLeaf("a", [size, size], "f32");
    const plan = planProgram(createProgram([a.matmul(a)], []));
    const storage = new CpuStorage(memory, "f32", size * size, "a");
    const executable = new CpuExecutable(plan, memory, pool, () => storage, 0);
    while (pool.kernels.readyThreads(64, 2) < 2) {
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
    for (let step = 0; step < 20; step++) executable.run([]);
    const expected = small ? [...Array(10).fill(1), ...Array(10).fill(2)] : Array(20).fill(2);
    assert.deepEqual(asked, expected);
    executable.dispose();
    pool.dispose();
  }
});
