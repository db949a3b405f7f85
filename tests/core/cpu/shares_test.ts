/** Fixed shares follow the speed of the threads: who waits takes from who is waited for. */
import assert from "node:assert/strict";
import { claimWords, controlWords, recordWords } from "../../../core/cpu/kernels/load.ts";
import { SharedMemory } from "../../../core/cpu/memory.ts";
import { ThreadPool } from "../../../core/cpu/thread_pool.ts";
import { control as place, world } from "./kernel_world.ts";

/** Of an even share of three threads, what a bound moves at a time. */
const step = Math.floor(Math.floor(65536 / 3) / 64);
/** Runs from one look at the waits to the next. */
const apart = 4;

/** Runs of an empty plan on three threads, of which two do not come but are said to have waited. */
function waiting() {
  const { kernels, control, scratch, words } = world(true);
  const part = (word: number) => new Int32Array(words.buffer, control + 4 * word, 4);
  const [shifts, waits] = [part(controlWords.shifts), part(controlWords.waits)];
  const plan = scratch + 4 * kernels.scratchBytes;
  words[control / 4 + controlWords.scratch] = scratch;
  words.set([4, 1, 96, 0, 0, 0, 0], plan / 4);
  const run = (times: number, turns: readonly number[], threads = 3) => {
    for (let time = 0; time < times; time++) {
      assert.equal(kernels.runPlan(control, plan, threads), 0);
      turns.forEach((each, other) => waits[other + 1] += each);
    }
    return [...shifts.subarray(0, threads + 1)];
  };
  waits.set([0, 70_000, 0]); // whatever was before does not count
  run(1, []);
  return run;
}

Deno.test("shares: who has waited takes a step from the threads beside it, every few runs", () => {
  const run = waiting();
  assert.deepEqual(run(apart - 1, [3000, 0]), [0, 0, 0, 0]);
  assert.deepEqual(run(1, [3000, 0]), [0, -step, step, 0]);
  assert.deepEqual(run(apart, [3000, 3000]), [0, -2 * step, step, 0]);
  assert.deepEqual(run(apart, [0, 3000]), [0, -2 * step, 0, 0]);
});

Deno.test("shares: a moment of waiting moves nothing", () => {
  assert.deepEqual(waiting()(10 * apart, [1900, 3800]), [0, 0, 0, 0]);
});

Deno.test("shares: however long a thread waits, the others keep something; other threads begin anew", () => {
  const run = waiting();
  const even = Math.floor(65536 / 3);
  const [, first, second] = run(400 * apart, [90_000_000, 0]);
  assert.ok(even + first >= step && even + first < 2 * step, `${first}`);
  assert.ok(even - second >= step && even - second < 2 * step, `${second}`);
  const [, left, near] = run(400 * apart, [0, 90_000_000]);
  assert.ok(even + near - left >= step && even + near - left < 2 * step, `${near}`);
  assert.deepEqual(run(1, [0], 2), [0, 0, 0]);
});

/** Says that units or shares are finished, after a while. */
const finisher = `onmessage = ({ data: { memory, finished, by } }) => {
  const words = new Int32Array(memory.buffer);
  postMessage("here");
  setTimeout(() => {
    Atomics.add(words, finished, by);
    Atomics.notify(words, finished);
    close();
  }, 20);
};`;

Deno.test("shares: waits for what is claimed count for nothing, as no bound changes them", async () => {
  const url = URL.createObjectURL(new Blob([finisher], { type: "text/javascript" }));
  for (const claimed of [false, true]) {
    const { memory, kernels, control, scratch, words } = world(true);
    const plan = scratch + 4 * kernels.scratchBytes;
    const at = (word: number) => control / 4 + word;
    words[at(controlWords.scratch)] = scratch;
    for (const phase of [0, 1]) words.set([4, 1, 96, 1, 0, 0, 0], plan / 4 + phase * recordWords);
    if (claimed) words.set([1, 1], plan / 4 + claimWords);
    const run = () => assert.equal(kernels.runPlan(control, plan, 2), 0);
    run();
    // The other thread has taken its share, or all units, of the first phase of the next run.
    const taken = [claimed ? 96 : 2, words[at(controlWords.generation)] + 2];
    words.set(taken, plan / 4 + claimWords - 2);
    const worker = new Worker(url, { type: "module" });
    const here = new Promise((resolve) => worker.onmessage = resolve);
    const by = claimed ? 96 : 1;
    worker.postMessage({ memory, finished: at(controlWords.finished), by });
    await here;
    for (let time = 0; time <= apart; time++) run();
    const [waited, shift] = [words[at(controlWords.waits)], words[at(controlWords.shifts) + 1]];
    if (claimed) assert.deepEqual([waited, shift], [0, 0]);
    else assert.ok(waited > 10_000 && shift > 0, `waited ${waited} turns, moved ${shift}`);
  }
  URL.revokeObjectURL(url);
});

/** `(start, end, at)`, which takes time for each unit, and four times as much in the thread `who`. */
const slow = (who: number) =>
  Uint8Array.of(
    ...[0, 97, 115, 109, 1, 0, 0, 0, 1, 7, 1, 96, 3, 127, 127, 127, 0],
    ...[2, 15, 1, 3, 101, 110, 118, 6, 116, 104, 114, 101, 97, 100, 3, 127, 0],
    ...[3, 2, 1, 0, 7, 5, 1, 1, 48, 0, 0, 10, 49, 1, 47, 1, 1, 127],
    ...[32, 1, 32, 0, 107, 35, 0, 65, who, 70, 65, 3, 108, 65, 1, 106, 108, 65, 128, 1, 108, 33, 3],
    ...[2, 64, 3, 64, 32, 3, 69, 13, 1, 32, 3, 65, 1, 107, 33, 3, 12, 0, 11, 11, 11],
  );

Deno.test("shares: a thread on a slower core does less, whichever it is", async () => {
  const memory = new SharedMemory();
  const pool = new ThreadPool(memory, 2);
  const plan = memory.allocate(3 * recordWords * 4, "a plan");
  const words = new Uint32Array(memory.memory.buffer);
  const shifts = new Int32Array(words.buffer, place + 4 * controlWords.shifts);
  for (const [who, moved] of [[1, 9000], [0, -9000]]) {
    pool.load(slow(who), [`${who}`]);
    for (const phase of [0, 1]) {
      words.set([1, 1, 784, 1, pool.find(`${who}`)!, 0], plan / 4 + phase * recordWords);
    }
    const until = performance.now() + 30_000;
    while (Math.sign(moved) * (shifts[1] - moved) < 0) {
      assert.ok(performance.now() < until, `thread ${who} is slow: ${shifts[1]}`);
      for (let run = 0; run < 100; run++) pool.run(plan, 2);
      await new Promise((resolve) => setTimeout(resolve));
    }
  }
  pool.dispose();
});
