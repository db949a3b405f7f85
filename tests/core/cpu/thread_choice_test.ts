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

/** A trial: what is chosen, and then the other. */
const trial = (chosen: number) => [
  ...Array(22).fill(chosen),
  ...Array(22).fill(chosen === 1 ? 4 : 1),
];

Deno.test("thread choice: all threads and one are tried, and the faster goes on", () => {
  assert.deepEqual(runs(new ThreadChoice(4), 47, 10, 6), [...trial(4), 4, 4, 4]);
  assert.deepEqual(runs(new ThreadChoice(4), 47, 6, 10), [...trial(4), 1, 1, 1]);
});

Deno.test("thread choice: what was found best is known during a trial, too", () => {
  const choice = new ThreadChoice(4);
  assert.equal(choice.chosen, 4);
  runs(choice, 44 + 128, 6, 10);
  assert.deepEqual([choice.timed, choice.chosen], [true, 1]);
});

Deno.test("thread choice: it is made anew, less and less often, and sooner on one thread", () => {
  const table = [
    { one: 10, four: 6, found: 4, pauses: [128, 256, 512, 1024, 2048, 2048] },
    { one: 6, four: 10, found: 1, pauses: [128, 256, 512, 512, 512, 512] },
  ];
  for (const { one, four, found, pauses } of table) {
    const choice = new ThreadChoice(4);
    runs(choice, 44, one, four);
    for (const pause of pauses) {
      assert.deepEqual(runs(choice, pause, one, four), Array(pause).fill(found));
      assert.deepEqual(runs(choice, 44, one, four), trial(found));
    }
  }
});

Deno.test("thread choice: it is changed for a twentieth at least", () => {
  const choice = new ThreadChoice(4);
  const table = [[9.7, 10, 4], [9, 10, 1], [10, 9.7, 1], [10, 9, 4]];
  table.forEach(([one, four, found], round) => {
    runs(choice, 44, one, four);
    assert.equal(choice.chosen, found);
    runs(choice, Math.min(128 << round, found === 1 ? 512 : 2048), 0, 0);
  });
});

Deno.test("thread choice: a run that the system holds up does not decide", () => {
  for (const faster of [1, 4]) {
    const choice = new ThreadChoice(4);
    for (let run = 0; run < 44; run++) {
      const { threads } = choice;
      const time = threads === faster ? 6 : 8;
      choice.ran(threads === faster && run % 22 === 18 ? 1000 : time, threads);
    }
    assert.equal(choice.timed, false);
    assert.equal(choice.chosen, faster);
  }
});

Deno.test("thread choice: workers that are not there yet are tried again", () => {
  const choice = new ThreadChoice(4);
  assert.deepEqual(runs(choice, 11, 10, 6, 2), Array(11).fill(4));
  assert.deepEqual(runs(choice, 45, 10, 6), [...trial(4), 4]);
  const late = new ThreadChoice(4);
  runs(late, 44, 6, 10);
  runs(late, 128 + 22, 6, 10);
  // Those that load a module are not there for a moment.
  assert.deepEqual(runs(late, 1, 6, 10, 2), [4]);
  assert.deepEqual(runs(late, 45, 6, 10), [...trial(1), 1]);
  assert.deepEqual(runs(new ThreadChoice(1), 100, 1, 1), Array(100).fill(1));
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
    for (let step = 0; step < 44; step++) executable.run([]);
    const tried = [...Array(22).fill(2), ...Array(22).fill(1)];
    assert.deepEqual(asked, small ? tried : Array(44).fill(2));
    executable.dispose();
    pool.dispose();
  }
});
