/** Plans of WebAssembly kernels, walked by several threads; and the committed build of them. */
import assert from "node:assert/strict";
import {
  claimWords,
  controlBytes,
  controlWords,
  instantiateKernels,
  kernelsModule,
  ownWord,
  recordWords,
} from "../../../core/cpu/kernels/load.ts";
import { kernelsSource } from "../../../core/cpu/kernels/build.ts";
import { arena, boundary, numbers } from "./kernel_world.ts";

const threads = 3;

/** `(start, end, at) => { memory[memory[at]] = start; memory[memory[at] + 4] = end; }` */
const recorder = Uint8Array.of(
  ...[0, 97, 115, 109, 1, 0, 0, 0, 1, 7, 1, 96, 3, 127, 127, 127, 0, 2, 18, 1, 3, 101, 110, 118],
  ...[6, 109, 101, 109, 111, 114, 121, 2, 3, 1, 128, 128, 4, 3, 2, 1, 0, 7, 5, 1, 1, 102, 0, 0],
  ...[10, 24, 1, 22, 0, 32, 2, 40, 2, 0, 32, 0, 54, 2, 0, 32, 2, 40, 2, 0, 32, 1, 54, 2, 4, 11],
);

/** Numbers of threads, and how far the bounds between them have moved. */
const bounds = [[1], [2], [2, 9000], [2, -30000], [2, 32600], [3], [3, -5000, 21700]];

Deno.test("functions of the table are called with each thread's share", () => {
  const { memory, table, control, words } = arena(4);
  const kernels = instantiateKernels(memory, table);
  const { exports } = new WebAssembly.Instance(new WebAssembly.Module(recorder), {
    env: { memory },
  });
  table.set(2, exports.f as () => void);
  kernels.setControl(control);
  const [plan, out] = [4096, 8192];
  const record = (units: number, size: number) => {
    words.fill(0, plan / 4, plan / 4 + 2 * recordWords);
    words.set([1, 0, units, size, 2, out], plan / 4);
    words[plan / 4 + ownWord] = 1;
  };
  for (const units of [1, 2, 7, 15, 16, 23, 24, 30, 100, 255, 784]) {
    for (const [count, ...moved] of bounds) {
      words.set([0, ...moved, 0, 0], control / 4 + controlWords.shifts);
      for (let thread = 0; thread < count; ++thread) {
        const share = [thread, thread + 1].map((t) => boundary(units, t, count, moved[t - 1]));
        record(units, 1);
        words.set([0, 0], out / 4);
        kernels.walk(plan, thread, count);
        assert.deepEqual(
          [...words.slice(out / 4, out / 4 + 2)],
          share[0] < share[1] ? share : [0, 0],
        );
        record(units, 0);
        kernels.walk(plan, thread, count);
        assert.deepEqual([...words.slice(out / 4, out / 4 + 2)], [0, units]);
      }
    }
  }
  // A thread that has its own share, and never comes, is given up once the flag of failure is set.
  Atomics.store(words, control / 4 + controlWords.failed, 1);
  assert.equal(kernels.runPlan(control, plan, 2), 1);
});

const workerSource = `
addEventListener("message", ({ data: { module, memory, control, thread } }) => {
  const table = new WebAssembly.Table({ initial: 4, element: "anyfunc" });
  const { exports } = new WebAssembly.Instance(module, { env: { memory, table } });
  const words = new Int32Array(memory.buffer);
  let calls = 0;
  // The main thread sets word 0 when it wants the workers to quit.
  for (let why; (why = exports.workerLoop(control, thread)) !== 1;) {
    if (why === 3) continue; // idle
    ++calls;
    if (Atomics.load(words, 0)) break;
  }
  postMessage(calls);
  close();
});
`;

Deno.test("plans: thousands of tiny plans on three threads are always right, with fixed shares and claims", async () => {
  const { memory, table, control, scratch, words, floats } = arena();
  const kernels = instantiateKernels(memory, table);
  const module = kernelsModule();
  words[control / 4 + controlWords.scratch] = scratch;
  assert.ok(control + controlBytes <= scratch);
  const url = URL.createObjectURL(new Blob([workerSource], { type: "text/javascript" }));
  const calls: Promise<number>[] = [];
  for (let thread = 1; thread < threads; ++thread) {
    const worker = new Worker(url, { type: "module" });
    calls.push(new Promise((resolve) => worker.onmessage = ({ data }) => resolve(data)));
    worker.postMessage({ module, memory, control, thread });
  }
  const everyone = async () => {
    const until = performance.now() + 20_000;
    while (kernels.readyThreads(control, 64) < threads) {
      assert.ok(performance.now() < until, "the workers did not come");
      await new Promise((resolve) => setTimeout(resolve, 1));
    }
  };
  await everyone();

  // x ← x·P by products and copies, P a rotation of columns: each step needs the whole last one.
  const size = 12;
  const plan = scratch + threads * kernels.scratchBytes;
  const [x, y, p] = [1, 2, 3].map((i) => plan + i * 65536);
  words.fill(0, plan / 4, plan / 4 + 16 * recordWords);
  const record = (i: number, ...values: number[]) => words.set(values, plan / 4 + i * recordWords);
  const square = [size, 1];
  const shape = [size, size, size, 1, 0, 0, 0];
  for (let i = 0; i < 8; i += 2) {
    const partition = i & 2 ? 1 : 0;
    record(i, 2, 1, size, 1, x, ...square, p, ...square, y, size, ...shape, partition);
    record(i + 1, 4, 1, size, 1, y, x, 4 * size);
  }
  const claims = (i: number, least: number, length: number) =>
    words.set([least, length], plan / 4 + i * recordWords + claimWords);
  // Rows are multiplied and copied by whoever claims them: the copy waits for nobody.
  claims(4, 2, 2);
  words[plan / 4 + 5 * recordWords + 1] = 0;
  // Columns, and then rows, of a claim each.
  claims(6, 3, 1);
  claims(7, 1, 1);
  for (let i = 0; i < size; ++i) floats[p / 4 + i * size + (i + 1) % size] = 1;
  for (let i = 0; i < size * size; ++i) floats[x / 4 + i] = i;
  let turned = 0;
  const next = numbers(9);
  for (let round = 0; round < 6000; ++round) {
    if (round % 1000 === 999) {
      // Back to JavaScript and in again; and, by the pause, asleep and awake again.
      kernels.callWorkers(control);
      await everyone();
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
    const walkers = 1 + next(threads);
    assert.equal(kernels.runPlan(control, plan, walkers), 0);
    turned += 4;
    // Of the records that are shared out all shares are taken, of the others all units.
    for (const [i, all] of [[0, 2 ** walkers - 1], [4, size], [6, size], [7, size]]) {
      if (walkers === 1) continue;
      const [taken, generation] = words.subarray(plan / 4 + i * recordWords + claimWords - 2);
      const expected = [all, words[control / 4 + controlWords.generation]];
      assert.deepEqual([taken, generation], expected, `round ${round}: record ${i}`);
    }
    for (let i = 0; i < size; ++i) {
      for (let j = 0; j < size; ++j) {
        if (floats[x / 4 + i * size + (j + turned) % size] !== i * size + j) {
          assert.fail(`round ${round}: element [${i}, ${j}] is wrong`);
        }
      }
    }
  }
  Atomics.store(words, 0, 1);
  kernels.callWorkers(control);
  assert.deepEqual(await Promise.all(calls), [7, 7]);
  URL.revokeObjectURL(url);
});

Deno.test("kernels.wasm.ts is what its sources compile to", async () => {
  const committed = new URL("../../../core/cpu/kernels/kernels.wasm.ts", import.meta.url);
  const same = await kernelsSource() === await Deno.readTextFile(committed);
  assert.ok(same, "kernels.wasm.ts is stale: run deno run -A core/cpu/kernels/build.ts");
});
