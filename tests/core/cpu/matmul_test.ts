/** The WebAssembly kernels: matrix products, gather, and plans walked by several threads. */
import assert from "node:assert/strict";
import {
  controlBytes,
  controlWords,
  instantiateKernels,
  type KernelExports,
  kernelsModule,
  recordWords,
  relaxedSimd,
} from "../../../core/cpu/kernels/load.ts";
import { kernelsSource } from "../../../core/cpu/kernels/build.ts";

const threads = 3;
const canary = -12345.5;
const variants = relaxedSimd() ? [true, false] : [false];

/** A small generator of integers below `below`, the same at every run. */
function numbers(seed: number): (below: number) => number {
  return (below) => {
    seed = Math.imul(seed, 1664525) + 1013904223 >>> 0;
    return Math.floor(seed / 2 ** 32 * below);
  };
}

/** Memory with a control block at 64, scratch for each thread, and free space behind. */
function arena(pages = 512) {
  const memory = new WebAssembly.Memory({ initial: pages, maximum: 65536, shared: true });
  const table = new WebAssembly.Table({ initial: 4, element: "anyfunc" });
  const control = 64;
  const scratch = 1024;
  const words = new Uint32Array(memory.buffer);
  const floats = new Float32Array(memory.buffer);
  return { memory, table, control, scratch, words, floats };
}

interface Case {
  m: number;
  k: number;
  n: number;
  aColumns: boolean;
  bColumns: boolean;
  accumulate: boolean;
}

/** Runs one product in parts, and returns C with a border of canaries on every side. */
function product(
  { kernels, floats, scratch }: ReturnType<typeof arena> & { kernels: KernelExports },
  { m, k, n, aColumns, bColumns, accumulate }: Case,
  parts: [number, number, number, number][],
  aSpread = 1,
): Float32Array {
  const next = numbers(m * 7 + k * 31 + n);
  const a = scratch + kernels.scratchBytes;
  const b = a + 4 * m * k * aSpread + 64;
  const cRow = n + 9;
  const c = b + 4 * n * k + 64;
  const size = cRow * (m + 2);
  for (let i = 0; i < m * k * aSpread; ++i) floats[a / 4 + i] = next(2000) / 1000 - 1;
  for (let i = 0; i < n * k; ++i) floats[b / 4 + i] = next(2000) / 1000 - 1;
  floats.fill(canary, c / 4, c / 4 + size);
  if (accumulate) {
    for (let i = 0; i < m; ++i) {
      floats.fill(i / 8, c / 4 + cRow * (i + 1), c / 4 + cRow * (i + 1) + n);
    }
  }
  const [aRow, aCol] = (aColumns ? [1, m] : [k, 1]).map((stride) => stride * aSpread);
  const [bRow, bCol] = bColumns ? [1, k] : [n, 1];
  const out = c + 4 * cRow;
  for (const part of parts) {
    kernels.matmul(a, aRow, aCol, b, bRow, bCol, out, cRow, ...part, k, scratch, +accumulate);
  }
  const result = floats.slice(c / 4, c / 4 + size);
  for (let i = 0; i < m; ++i) {
    for (let j = 0; j < n; ++j) {
      let sum = accumulate ? i / 8 : 0;
      let weight = 1 + Math.abs(sum);
      for (let p = 0; p < k; ++p) {
        const term = floats[a / 4 + i * aRow + p * aCol] * floats[b / 4 + p * bRow + j * bCol];
        sum += term;
        weight += Math.abs(term);
      }
      const at = cRow * (i + 1) + j;
      const error = Math.abs(result[at] - sum);
      if (!(error <= weight * 2 ** -23 * Math.max(2, Math.sqrt(k)))) {
        assert.fail(`[${i}, ${j}] of ${JSON.stringify({ m, k, n })}: ${result[at]} for ${sum}`);
      }
    }
  }
  return result;
}

/** Every cell outside of C still holds the canary. */
function untouched(result: Float32Array, m: number, n: number): boolean {
  return result.every((value, at) => {
    const row = Math.floor(at / (n + 9));
    return (row >= 1 && row <= m && at % (n + 9) < n) || value === canary;
  });
}

/** Cuts [0, m) × [0, n) into a random grid of blocks, in a random order. */
function grid(m: number, n: number, next: (below: number) => number) {
  const cuts = (size: number) => {
    const inner = Array.from({ length: next(4) }, () => next(size + 1));
    return [0, ...inner, size].sort((x, y) => x - y);
  };
  const rows = cuts(m);
  const columns = cuts(n);
  const parts: [number, number, number, number][] = [];
  for (let i = 1; i < rows.length; ++i) {
    for (let j = 1; j < columns.length; ++j) {
      parts.splice(next(parts.length + 1), 0, [rows[i - 1], rows[i], columns[j - 1], columns[j]]);
    }
  }
  return parts;
}

for (const relaxed of variants) {
  const name = relaxed ? "relaxed" : "plain";
  const world = () => {
    const place = arena();
    return { ...place, kernels: instantiateKernels(place.memory, place.table, relaxed) };
  };

  Deno.test(`matmul (${name}): random shapes and partitions, right, the same bits, in bounds`, () => {
    const place = world();
    const next = numbers(relaxed ? 1 : 2);
    const large = [[128, 784, 40], [70, 300, 600], [130, 513, 70], [1, 784, 512], [3, 600, 530]];
    for (let round = 0; round < 240; ++round) {
      const [m, k, n] = large[round - 220] ?? large[round - 230] ??
        [1 + next(70), round % 40 ? 1 + next(70) : 0, 1 + next(70)];
      const shape = {
        m,
        k,
        n,
        aColumns: next(2) > 0,
        bColumns: next(2) > 0,
        accumulate: next(3) === 0,
      };
      const spread = round % 5 ? 1 : 3;
      const whole = product(place, shape, [[0, m, 0, n]], spread);
      assert.ok(untouched(whole, m, n), `writes outside of C: ${JSON.stringify(shape)}`);
      const parts = grid(m, n, next);
      const pieces = product(place, shape, parts, spread);
      const message = `${JSON.stringify(shape)} in ${JSON.stringify(parts)}`;
      assert.deepEqual(new Uint8Array(pieces.buffer), new Uint8Array(whole.buffer), message);
    }
  });

  Deno.test(`matmul (${name}): a block writes nothing beside itself`, () => {
    const place = world();
    const next = numbers(5);
    const { kernels, floats, scratch } = place;
    const size = 40;
    const a = scratch + kernels.scratchBytes;
    const b = a + 4 * size * size + 64;
    const c = b + 4 * size * size + 64;
    floats.fill(1, a / 4, c / 4);
    for (let round = 0; round < 300; ++round) {
      const [top, bottom] = [next(size + 1), next(size + 1)].sort((x, y) => x - y);
      const [left, right] = [next(size + 1), next(size + 1)].sort((x, y) => x - y);
      const [bRow, bCol] = round % 2 ? [1, size] : [size, 1];
      const [aRow, aCol] = round % 4 > 1 ? [1, size] : [size, 1];
      floats.fill(canary, c / 4, c / 4 + size * size);
      const block = [top, bottom, left, right] as const;
      kernels.matmul(a, aRow, aCol, b, bRow, bCol, c, size, ...block, size, scratch, 0);
      for (let i = 0; i < size; ++i) {
        for (let j = 0; j < size; ++j) {
          const inside = i >= top && i < bottom && j >= left && j < right;
          if (floats[c / 4 + i * size + j] !== (inside ? size : canary)) {
            assert.fail(`[${i}, ${j}] of block ${block}: ${floats[c / 4 + i * size + j]}`);
          }
        }
      }
    }
  });

  Deno.test(`gather (${name}): every kind of data, with rows out of range`, () => {
    const { kernels, words, floats, memory, control, scratch } = world();
    const bytes = new Uint8Array(memory.buffer);
    const plan = 2 ** 20 * 4;
    const [data, order, first, out] = [1, 2, 3, 4].map((i) => plan + i * 65536);
    words[control / 4 + controlWords.scratch] = scratch;
    kernels.setControl(control);
    for (const length of [1, 3, 4, 17, 35]) {
      for (const kind of [0, 1, 2, 3]) {
        for (let i = 0; i < length * 20; ++i) bytes[data + i] = (i * 37) & 255;
        if (kind !== 1 && kind !== 2) {
          for (let i = 0; i < length * 5; ++i) floats[data / 4 + i] = i / 4 - 3;
        }
        const picks = [4, 0, 9, 2, 5, 1];
        words.set(picks, order / 4);
        words[first / 4] = 1;
        floats.fill(canary, out / 4, out / 4 + 8 * length);
        words.fill(0, plan / 4, plan / 4 + 2 * recordWords);
        words.set([3, 0, 5, length, data, kind, order, first, length, out], plan / 4);
        floats.set([0.5, 0.25], plan / 4 + 10);
        words.set([5, picks.length], plan / 4 + 12);
        kernels.walk(plan, 0, 2);
        kernels.walk(plan, 1, 2);
        for (let i = 0; i < 5; ++i) {
          for (let j = 0; j < length; ++j) {
            const pick = picks[i + 1];
            const at = out / 4 + i * length + j;
            const from = pick * length + j;
            if (pick >= 5) {
              assert.equal(kind < 2 ? floats[at] : words[at], kind < 2 ? NaN : 2 ** 32 - 1);
            } else if (kind === 0) assert.equal(floats[at], floats[data / 4 + from] * 0.5 + 0.25);
            else if (kind === 1) assert.equal(floats[at], bytes[data + from] * 0.5 + 0.25);
            else if (kind === 2) assert.equal(words[at], bytes[data + from]);
            else assert.equal(words[at], words[data / 4 + from]);
          }
        }
        assert.equal(floats[out / 4 + 5 * length], canary);
      }
    }
  });
}

/** `(start, end, at) => { memory[memory[at]] = start; memory[memory[at] + 4] = end; }` */
const recorder = Uint8Array.of(
  ...[0, 97, 115, 109, 1, 0, 0, 0, 1, 7, 1, 96, 3, 127, 127, 127, 0, 2, 18, 1, 3, 101, 110, 118],
  ...[6, 109, 101, 109, 111, 114, 121, 2, 3, 1, 128, 128, 4, 3, 2, 1, 0, 7, 5, 1, 1, 102, 0, 0],
  ...[10, 24, 1, 22, 0, 32, 2, 40, 2, 0, 32, 0, 54, 2, 0, 32, 2, 40, 2, 0, 32, 1, 54, 2, 4, 11],
);

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
  };
  for (const units of [1, 2, 7, 8, 11, 12, 13, 30, 784]) {
    for (const count of [1, 2, 3]) {
      const boundary = (t: number) => {
        if (t === count) return units;
        const even = Math.floor(units * t / count);
        return units < 4 * count ? even : Math.min(units, Math.ceil(even / 4) * 4);
      };
      for (let thread = 0; thread < count; ++thread) {
        const share = [boundary(thread), boundary(thread + 1)];
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
  // A thread that never comes is given up once the flag of failure is set.
  Atomics.store(words, control / 4 + controlWords.failed, 1);
  words[plan / 4 + 1] = 1;
  assert.equal(kernels.walk(plan, 0, 2), 1);
});

const workerSource = `
addEventListener("message", ({ data: { module, memory, control, thread } }) => {
  const table = new WebAssembly.Table({ initial: 4, element: "anyfunc" });
  const { exports } = new WebAssembly.Instance(module, { env: { memory, table } });
  const words = new Int32Array(memory.buffer);
  let calls = 0;
  // The main thread sets word 0 when it wants the workers to quit.
  while (exports.workerLoop(control, thread) === 2) {
    ++calls;
    if (Atomics.load(words, 0)) break;
  }
  postMessage(calls);
  close();
});
`;

Deno.test("plans: thousands of tiny plans on three threads are always right", async () => {
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
    assert.equal(kernels.runPlan(control, plan, 1 + next(threads)), 0);
    turned += 4;
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
