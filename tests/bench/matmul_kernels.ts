/**
 * GFLOP/s of the matrix product on one thread, and the cost of a plan on two.
 *
 * `deno run tests/bench/matmul_kernels.ts [--plain] [--zeros X] [rounds]`: shapes are interleaved,
 * and the figure is the best and the median of the rounds. Of the operands X are zeros, from 0, the
 * default, to 1: they are counted as the others, and left out where the first operand has many.
 */
import { parseArgs } from "node:util";
import {
  controlWords,
  instantiateKernels,
  kernelsModule,
  recordWords,
} from "../../core/cpu/kernels/load.ts";

/** rows, inner, columns, and which operand is stored transposed. */
type Shape = [m: number, k: number, n: number, transposed?: "a" | "b"];

const shapes: Shape[] = [
  [32, 784, 30],
  [32, 30, 30],
  [32, 30, 10],
  [32, 30, 30, "b"],
  [32, 10, 30, "b"],
  [784, 32, 30, "a"],
  [30, 32, 30, "a"],
  [30, 32, 10, "a"],
  [128, 784, 512],
  [128, 512, 512],
  [128, 512, 10],
  [128, 512, 512, "b"],
  [128, 10, 512, "b"],
  [784, 128, 512, "a"],
  [512, 128, 512, "a"],
  [512, 128, 10, "a"],
  [256, 256, 256],
  [512, 512, 512],
  [1024, 1024, 1024],
  [1024, 1024, 1024, "b"],
  [1, 784, 512],
  [1, 512, 784, "b"],
];

const { values, positionals } = parseArgs({
  args: Deno.args,
  options: { plain: { type: "boolean" }, zeros: { type: "string", default: "0" } },
  allowPositionals: true,
});
const { plain } = values;
const rounds = Number(positionals[0] ?? 7);
const memory = new WebAssembly.Memory({ initial: 512, maximum: 65536, shared: true });
const table = new WebAssembly.Table({ initial: 1, element: "anyfunc" });
const kernels = instantiateKernels(memory, table, !plain);
const floats = new Float32Array(memory.buffer);
// Ordinary numbers, and no zeros but those asked for: denormals would not take the same time.
let state = 1;
for (let i = 0; i < floats.length; ++i) {
  state = Math.imul(state, 1664525) + 1013904223 >>> 0;
  const isZero = state < Number(values.zeros) * 2 ** 32;
  floats[i] = isZero ? 0 : ((i * 7919) % 1000) / 1000 - 0.5001;
}

const scratch = 64;
const a = scratch + kernels.scratchBytes;

function product([m, k, n, transposed]: Shape): void {
  const b = a + 4 * m * k + 256;
  const c = b + 4 * k * n + 256;
  const [aRow, aCol] = transposed === "a" ? [1, m] : [k, 1];
  const [bRow, bCol] = transposed === "b" ? [1, k] : [n, 1];
  kernels.matmul(a, aRow, aCol, b, bRow, bCol, c, n, 0, m, 0, n, k, scratch, 0);
}

function seconds(shape: Shape, repeats: number): number {
  const start = performance.now();
  for (let i = 0; i < repeats; ++i) product(shape);
  return (performance.now() - start) / 1000 / repeats;
}

const repeats = shapes.map((shape) => {
  // Long enough for V8 to compile the loops for good, and for the clock.
  const until = performance.now() + 60;
  while (performance.now() < until) product(shape);
  return Math.max(1, Math.round(0.008 / seconds(shape, 1)));
});
const times = shapes.map((): number[] => []);
for (let round = 0; round < rounds; ++round) {
  shapes.forEach((shape, i) => times[i].push(seconds(shape, repeats[i])));
}
shapes.forEach(([m, k, n, transposed = ""], i) => {
  const sorted = times[i].toSorted((x, y) => x - y);
  const rate = (time: number) => (2 * m * k * n / time / 1e9).toFixed(1).padStart(6);
  const micro = (sorted[rounds >> 1] * 1e6).toFixed(1).padStart(9);
  console.log(
    `${[m, k, n, transposed].join(" ").padEnd(18)} median ${rate(sorted[rounds >> 1])}`,
    `best ${rate(sorted[0])} GFLOP/s ${micro} µs`,
  );
});

const worker = `addEventListener("message", ({ data: { module, memory } }) => {
  const table = new WebAssembly.Table({ initial: 1, element: "anyfunc" });
  const { exports } = new WebAssembly.Instance(module, { env: { memory, table } });
  while (exports.workerLoop(${a}, 1) === 3); // idle
  close();
});`;
const url = URL.createObjectURL(new Blob([worker], { type: "text/javascript" }));
const words = new Uint32Array(memory.buffer);
// The control block lies where the operands were.
const control = a;
words.fill(0, control / 4, control / 4 + 1024);
const plan = control + 4096;
const pool = plan + 65536;
words[control / 4 + controlWords.scratch] = pool;
let free = pool + 2 * kernels.scratchBytes;
function take(bytes: number): number {
  const address = free;
  free += (bytes + 127) & ~127;
  return address;
}
new Worker(url, { type: "module" }).postMessage({ module: kernelsModule(!plain), memory });
while (kernels.readyThreads(control, 2) < 2) await new Promise((done) => setTimeout(done, 1));

type Record = number[];
function write(records: Record[]): void {
  words.fill(0, plan / 4, plan / 4 + (records.length + 1) * recordWords);
  records.forEach((record, i) => words.set(record, plan / 4 + i * recordWords));
}

function stepTime(threads: number): string {
  const samples: number[] = [];
  for (let round = 0; round < 40; ++round) {
    const start = performance.now();
    for (let i = 0; i < 200; ++i) kernels.runPlan(control, plan, threads);
    samples.push((performance.now() - start) / 200 * 1000);
  }
  samples.sort((x, y) => x - y);
  return `${samples[20].toFixed(2)} (best ${samples[0].toFixed(2)}) µs`;
}

/** The products of 784-30-30-10 with 32 samples, forward and backward, and the gather of bytes. */
function smallStep(): Record[] {
  const [data, order, x, h1, h2, z] = [784 * 1000, 128, 32 * 784 * 4, 3840, 3840, 1280].map(take);
  const [w1, w2, w3, g1, g2, g3] = [94080, 3600, 1200, 94080, 3600, 1200].map(take);
  for (let i = 0; i < 32; ++i) words[order / 4 + i] = i * 29;
  const product = (
    [m, k, n]: number[],
    [left, leftRow, leftCol]: number[],
    [right, rightRow, rightCol]: number[],
    out: number,
    barrier = 0,
  ) => {
    const strides = [left, leftRow, leftCol, right, rightRow, rightCol, out, n];
    return [2, barrier, m, 1, ...strides, m, n, k, 1, 0, 0, 0, 0, 0];
  };
  const one = new Uint32Array(new Float32Array([1 / 255]).buffer)[0];
  return [
    [3, 1, 32, 784, data, 1, order, 0, 784, x, one, 0, 1000],
    product([32, 784, 30], [x, 784, 1], [w1, 30, 1], h1),
    product([32, 30, 30], [h1, 30, 1], [w2, 30, 1], h2),
    product([32, 30, 10], [h2, 30, 1], [w3, 10, 1], z),
    product([32, 10, 30], [z, 10, 1], [w3, 1, 10], h2),
    product([32, 30, 30], [h2, 30, 1], [w2, 1, 30], h1),
    product([784, 32, 30], [x, 1, 784], [h1, 30, 1], g1, 1),
    product([30, 32, 30], [h1, 1, 30], [h2, 30, 1], g2),
    product([30, 32, 10], [h2, 1, 30], [z, 10, 1], g3),
  ];
}

const nothing = (barrier: number): Record => [4, barrier, 0, 1];
for (const count of [0, 1, 2, 12]) {
  write(Array.from({ length: count }, () => nothing(1)));
  console.log(`a plan of ${count} barriers: 2 threads ${stepTime(2)}, 1 thread ${stepTime(1)}`);
}
write(smallStep());
for (let round = 0; round < 3; ++round) {
  console.log(`784-30-30-10 products: 2 threads ${stepTime(2)}, 1 thread ${stepTime(1)}`);
}
Deno.exit(0);
