import type { Ceilings } from "../graph/profile.ts";
import { recordWords, relaxedSimd } from "./kernels/load.ts";
import { SharedMemory } from "./memory.ts";
import { ThreadPool } from "./thread_pool.ts";
import { Code, simd, valueType, writeModule } from "./wasm/module.ts";

/** Sums that do not wait for each other: as many as hide the latency and leave registers free. */
const sums = 12;
/** Multiply-adds on each sum in a turn of the loop. */
const unrolled = 4;
/** Turns of a run on each thread: a quarter of a millisecond, in which nobody else may want a core. */
const turns = 25_000;
const arithmeticRuns = 120;
/** Bytes that are copied: more than caches hold, together with those written. */
const copied = 1 << 26;
/** Bytes of one run; when its turn comes again, all others have been through the caches. */
const copySlice = 1 << 22;
const copyRuns = 3 * copied / copySlice;
const copyUnit = 1 << 16;
/** Milliseconds after which workers that have not come are not waited for. */
const patience = 2000;

/**
 * Measures the CPU. Arithmetic: 12 independent sums of four f32 take multiply-adds from registers,
 * on all threads at once, in WebAssembly as the kernels are; the best of 120 short runs.
 * Memory: 64 MiB are copied to another 64 MiB by all threads, 4 MiB a run; the best run.
 */
export async function measureCpu(threads: number): Promise<Ceilings> {
  // Of its own, as a WebAssembly memory that has grown never shrinks.
  const memory = new SharedMemory();
  const pool = new ThreadPool(memory, threads);
  try {
    pool.load(writeModule([multiplyAdds()]), ["multiply-adds"]);
    const result = memory.allocate(64 * 16, "a sum");
    const blocks = memory.allocate(2 * copied, "a copy");
    const plan = memory.allocate(2 * recordWords * 4, "a plan");
    const write = (...words: number[]) =>
      new Uint32Array(memory.memory.buffer, plan, recordWords).set(words);
    const function_ = pool.find("multiply-adds")!;
    write(1, 0, turns * threads, 1, function_, result);
    await allThreads(pool, plan);
    const flops = turns * threads * unrolled * sums * 4 * 2;
    const fastest = best(arithmeticRuns, () => pool.run(plan));
    const copy = (run: number) => {
      const from = blocks + run * copySlice % copied;
      write(4, 0, copySlice / copyUnit, 1, from, from + copied, copyUnit);
      pool.run(plan);
    };
    // The first time, the system still has to find the pages.
    for (let run = 0; run < copied / copySlice; run++) copy(run);
    return { flops: flops / fastest, bytes: 2 * copySlice / best(copyRuns, copy) };
  } finally {
    pool.dispose();
  }
}

/** As {@link measureCpu}, for plain JavaScript on one thread: four sums in float64, and one copy. */
export function measureReference(): Ceilings {
  const kept = new Float64Array(1);
  const flops = 4 * 2 * turns;
  const fastest = best(arithmeticRuns, () => {
    let [a, b, c, d] = [0, 0, 0, 0];
    for (let turn = 0; turn < turns; turn++) {
      a = a * 0.5 + 1;
      b = b * 0.5 + 1;
      c = c * 0.5 + 1;
      d = d * 0.5 + 1;
    }
    kept[0] = a + b + c + d;
  });
  const source = new Float64Array(copied / 8);
  const target = new Float64Array(copied / 8);
  target.set(source);
  return { flops: flops / fastest, bytes: 2 * copied / best(3, () => target.set(source)) };
}

/** Waits until every thread takes part. */
async function allThreads(pool: ThreadPool, plan: number): Promise<void> {
  const until = performance.now() + patience;
  while (pool.run(plan) < pool.threads && performance.now() < until) {
    await new Promise((resolve) => setTimeout(resolve, 1));
  }
}

/** Seconds of the fastest of some runs. */
function best(runs: number, run: (index: number) => void): number {
  let fastest = Infinity;
  for (let index = 0; index < runs; index++) {
    const start = performance.now();
    run(index);
    fastest = Math.min(fastest, performance.now() - start);
  }
  return fastest / 1000;
}

/** The loop: `sum = sum · 0.5 + 1` on every sum, which stays near 2. */
function multiplyAdds(): Code {
  const code = new Code(3);
  const accumulators = Array.from({ length: sums }, () => code.local(valueType.v128));
  const factor = bits(0.5);
  const term = bits(1);
  const lessThan = 0x48;
  code.while(() => void code.get(0).get(1).raw(lessThan), () => {
    for (let place = 0; place < unrolled; place++) {
      for (const accumulator of accumulators) {
        code.get(accumulator).words(factor);
        if (relaxedSimd()) code.words(term).simd(simd.relaxedMadd);
        else code.simd(multiply).words(term).simd(add);
        code.set(accumulator);
      }
    }
    code.increase(0, 1);
  });
  // Written, so that no compiler finds them useless.
  code.get(2).load(0);
  accumulators.forEach((accumulator, place) => {
    code.get(accumulator);
    if (place > 0) code.simd(add);
  });
  code.memory(simd.store, 0);
  return code;
}

const add = 0xe4;
const multiply = 0xe6;

function bits(value: number): number[] {
  return new Array(4).fill(new Uint32Array(Float32Array.of(value).buffer)[0]);
}
