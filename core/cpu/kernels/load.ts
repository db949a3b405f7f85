/**
 * Instantiates the WebAssembly kernels, and names what lies where in the memory they share.
 *
 * A **plan** is a row of records of 32 words (u32, little-endian), ended by a record of kind 0:
 *
 * | word | meaning |
 * |---|---|
 * | 0 | kind: 0 end, 1 function, 2 matmul, 3 gather, 4 copy, 5 scatterAdd,
 *   6 convolution, 7 gradient of its kernel, 8 pooling, 9 recurrence, 10 its gradient,
 *   11 segments, 12 sampling of pictures, 13 its gradient,
 *   14 attention, 15 its gradient, 16 and 17 temporal classification |
 * | 1 | 1: a phase begins, in which nothing is done before all of the one before is finished |
 * | 2 | units, shared out between the threads |
 * | 3 | elements in a unit (only 0 matters: who does a share does all units) |
 * | 25 | of the first record of a phase that is shared out, 1: every thread does its own share |
 * | 26, 27 | what has been taken, in the run whose generation is word 27: units that are claimed, or,
 *   of the first record of a phase that is shared out, a bit for each share |
 * | 28 | 0: shares are fixed; else threads claim units, so many at least |
 * | 29 | how many records are claimed together, this one included; no other record of the phase needs
 *   or touches what they write |
 * | 30 | 0, or: of the next records too, this one included, so many units at a time are done |
 * | 31 | how many records those are; all have the same units, and no unit needs another one |
 *
 * Of fixed shares, of which there are as many as threads, share t of T is the units boundary(t) to
 * boundary(t + 1) of each record of its phase: boundary(t) = U·(t/T + shift(t)/65,536), rounded
 * to the nearest unit, from 8·T units on to a multiple of 4, and from 128·T on of 16. Shifts follow the
 * speed of the threads. Thread t takes share t if nobody has, and then what others have not taken:
 * one that is held up, or asleep, keeps nobody waiting.
 *
 * - 1 function: word 4 index in the table of a `(start: i32, end: i32, arguments: i32) => void`;
 *   `arguments` is the address of word 5.
 * - 2 matmul: 4 a, 5 aRowStride, 6 aColStride, 7 b, 8 bRowStride, 9 bColStride, 10 c,
 *   11 cRowStride, 12 rows, 13 columns, 14 k, 15 batch, 16 aBatchStride, 17 bBatchStride,
 *   18 cBatchStride, 19 partition (units are 0 rows, 1 columns, 2 batches), 20 accumulate.
 *   Pointers are bytes, strides elements.
 * - 3 gather: 4 data, 5 dataKind (0 f32, 1 u8 to f32, 2 u8 to u32, 3 words), 6 order (0: none),
 *   7 address of the first position (0: position 0), 8 row length, 9 out, 10 scale, 11 offset
 *   (f32; kinds 0 and 1), 12 rows of data, 13 positions in the order. A unit is a row of out. A row out of range gives NaN
 *   (kinds 0, 1) or 0xffffffff.
 * - 4 copy: 4 from, 5 to, 6 bytes in a unit.
 * - 5 scatterAdd: 4 updates, 5 indices, 6 number of updates, 7 row length, 8 out, 9 rows of out.
 *   A unit is a column.
 * - 6 convolution: 4 x, 5 kernel, 6 y, 7 block. The units are equal runs of outputs in row-major
 *   order. The block is the words: batch, sizes of the input (depth, height, width), channels, sizes
 *   of the output, of the window, its strides, zeros before, dilation, dilation of the input,
 *   filters, groups, whether tiles are changed (`suitsWinograd`).
 * - 7 gradient of its kernel: 4 x, 5 gradient of y, 6 out, 7 block. A unit is a row of the kernel, which
 *   has a row for each tap and channel of a group, or, of changed tiles and where each
 *   channel is by itself, four channels.
 * - 8 pooling: 4 x, 5 values, 6 out, 7 block, 8 mode (0 sum, 1 maximum, 2 values where x is largest,
 *   3 gradient of the maximum; here a unit is an image). Units else are as in 6.
 *
 * - 9 recurrence: 4 sums, 5 kernel, 6 bias, 7 mask (0: none), 8 out, 9 block, 10 what states are
 *   multiplied by for each block of the kernel (0: nothing), 11 states to begin with (0: zeros). A unit is a row of the batch. The
 *   block is the words: cell (0 simpleRnn, 1 lstm, 2 gru, 3 gruResetBefore), steps, batch, units, activation,
 *   activation of gates (0 linear, 1 tanh, 2 sigmoid, 3 relu), and the numbers of the cell's layout.
 * - 10 gradient of its sums: 4 what was kept, 5 kernel, 6 gradient of the states, 7 mask, 8 out,
 *   9 block, 10 steps of the given gradient (all, or 1: the last one), 11 what states are multiplied
 *   by, 12 whether a row of it for the last cell state follows, 13 whether the gradient of the first
 *   states becomes a last row of out.
 * - 11 segments: 4 values, 5 ids, 6 order (0: none), 7 number of ids, 8 row length, 9 out,
 *   10 segments, 11 mode (0 sum, 1 maximum), 12 what an empty segment becomes (f32), 13 what a unit
 *   is (0 a segment, 1 a column).
 * - 12 sampling of pictures: 4 images, 5 y, 6 x, 7 out, 8 block. The units are equal runs of points in
 *   row-major order. The block is the words: images, height, width, channels, points of an image, fill
 *   mode (0 constant, 1 nearest, 2 reflect, 3 wrap), fill value.
 * - 13 gradient of its images: 4 gradient of the samples, 5 y, 6 x, 7 out, 8 block. A unit is an image.
 * - 14 attention: 4 query, 5 key, 6 value, 7 out, 8 block. A unit is a block of queries of a head. The
 *   block is the words: batch, queries, keys, heads, heads of keys, sizes of a key and of a value,
 *   queries and keys in a block, scale (f32); addresses, or 0, of offset, bias, dropout's rate, its
 *   key's words and its counter; strides of the bias along batch, heads and queries; units that are
 *   blocks of queries, and those that are whole heads of keys.
 * - 15 its gradient: 4 to 8 as in 14, 9 gradient of the results, 10 logarithms of sums, 11 dot
 *   products. Units are blocks of queries, then blocks of keys, or whole heads of keys.
 * - 16 paths of temporal classification: 4 logarithms of probabilities, 5 labels, 6 mask (0: none),
 *   7 out, 8 block. A unit is a row of the batch. The block is the words: batch, steps, classes, labels
 *   of a row, the blank's class.
 * - 17 posteriors: 4 paths, 5 logarithms, 6 labels, 7 mask, 8 out, 9 block, as in 16.
 * - 18 sorting of runs: 4 x, 5 nothing, 6 out, 7 lines, 8 elements of a line, 9 of a run, 10 whether the
 *   largest come first. A unit is a run.
 * - 19 merging of runs: as in 18, with 5 the order in which runs are sorted. A unit is a pair of runs.
 * - 20 counting: 4 x, 5 out, 6 elements of a line, 7 bins. A unit is a line.
 * - 21 elimination: 4 a, 5 b (0: none), 6 out, 7 size of a, 8 columns of b. A unit is a matrix.
 * - 22 roots of matrices: 4 a, 5 out, 6 size. A unit is a matrix.
 *
 * The memory must reach 64 bytes past the last operand: vectors may read (never write) beyond it.
 *
 * A worker's JavaScript calls `workerLoop` again when it returns 2, after it has loaded what the
 * main thread announced (or quits), and when it returns 3, after a turn for events: nothing has come
 * for a second, and Deno ends a worker in the event loop alone. On 1, or when a call throws, it stores
 * 1 in the `failed` word so that nobody waits for it.
 */
import { plainKernels, relaxedKernels } from "./kernels.wasm.ts";

/** Indices of the i32 words of the control block; words that threads spin on have a line each. */
export const controlWords = {
  /** Even: number of commands times two; odd: a command is being written. */
  generation: 0,
  /** 0: nothing; 1: walk the plan; 2: back to JavaScript. */
  command: 16,
  /** Address of the plan. */
  plan: 17,
  /** Threads that walk it; a worker of a higher index does not take part. */
  threads: 18,
  /** Times that `callWorkers` was called. */
  modules: 19,
  /** Address of the scratch areas, `scratchBytes` for each thread; written by JavaScript. */
  scratch: 20,
  /** Set to 1 by the JavaScript of a thread whose kernel threw: waiting threads then give up. */
  failed: 21,
  /** Workers that walk a plan. */
  walkers: 32,
  /** Shares and claimed units of the run that are finished. */
  finished: 48,
  /** Threads that sleep, and must be notified. */
  sleepers: 64,
  /** From here a word for each thread: 0, or 1 + the `modules` it has loaded. */
  ready: 80,
  /** From here a word for each share, and one more: how far the bound before it has moved, of 65,536. */
  shifts: 112,
  /** From here a word for each thread: turns that it has waited for fixed shares of others. */
  waits: 160,
  /** From here a word for each thread: those that shifts have followed. */
  known: 192,
} as const;

/** Most threads that a control block serves: a share of a phase is a bit of a word. */
export const maximumThreads: number = 32;
/** Bytes of a control block; it must start at a multiple of 64, filled with zeros. */
export const controlBytes: number = 4 * (controlWords.known + maximumThreads);
/** u32 words in a record of a plan. */
export const recordWords: number = 32;
/** The word of a record that says whether every thread does its own share. */
export const ownWord: number = 25;
/** The word of a record from which on it is said what threads claim of it. */
export const claimWords: number = 28;
/** The word of a record from which on a chain is described. */
export const chainWords: number = 30;

/**
 * Ways that the kernels of convolutions and products go, as bits of what their `ways` returns. A faster
 * way gives the same bits as the general one, so a test asks which was taken.
 */
export const kernelWays = {
  /** Winograd's tiles. */
  winograd: 1,
  /** A convolution of one tap, or the gradient of its kernel, as one product. */
  pointwise: 2,
  /** Each channel by itself. */
  channelwise: 4,
  /** Each channel by itself, and three taps of a line together. */
  threeTaps: 8,
  /** Several images at once. */
  images: 16,
  /** A line of outputs at a time, from the input where it lies. */
  lines: 32,
  /** Any other convolution: products of tiles that are laid out. */
  tiles: 64,
  /** The first operand of a product was packed. */
  packedA: 128,
  /** The second operand of a product was packed. */
  packedB: 256,
  /** The second operand lay packed from the product before. */
  heldB: 512,
  /** The product of a single row. */
  row: 1024,
  /** The first operand of a product was zeros for the most part. */
  sparse: 2048,
  /** What is not zero in it was listed, as many columns use it. */
  lists: 4096,
} as const;

/** What the kernels export. Addresses and sizes are bytes, strides are elements. */
export interface KernelExports {
  /** Scratch bytes that each thread needs. */
  scratchBytes: number;
  /** C[i,j] (+)= Σ A[i,k]·B[k,j] in the given block; B has a row or a column stride of 1. */
  matmul(
    a: number,
    aRowStride: number,
    aColStride: number,
    b: number,
    bRowStride: number,
    bColStride: number,
    c: number,
    cRowStride: number,
    rowStart: number,
    rowEnd: number,
    colStart: number,
    colEnd: number,
    k: number,
    scratch: number,
    accumulate: number,
  ): void;
  /** The ways that kernels of this thread have gone since the last call, bits of {@link kernelWays}. */
  ways(): number;
  /** Says where the control block is, for a bare `walk`. */
  setControl(control: number): void;
  /** Walks a plan as one of its threads: 0 done or over, 1 another thread failed. */
  walk(plan: number, thread: number, threads: number): number;
  /** Threads that can share a plan now, from 1 to `most`. */
  readyThreads(control: number, most: number): number;
  /** Runs a plan with the first `threads` ready threads: 0 done, 1 another thread failed. */
  runPlan(control: number, plan: number, threads: number): number;
  /** Waits until no worker looks at a plan that was run, so that it can be freed; 1 if one failed. */
  settle(control: number): number;
  /** Makes every worker's `workerLoop` return 2; only between plans. */
  callWorkers(control: number): void;
  /** Serves plans: returns 2 when JavaScript is called, 3 when idle, 1 when another thread failed. */
  workerLoop(control: number, thread: number): number;
}

/** A module whose one function is `i8x16.relaxed_swizzle`: valid where relaxed SIMD is. */
const relaxedProbe = Uint8Array.of(
  ...[0, 97, 115, 109, 1, 0, 0, 0, 1, 5, 1, 96, 0, 1, 123, 3, 2, 1, 0, 10, 15, 1, 13, 0],
  ...[65, 1, 253, 15, 65, 2, 253, 15, 253, 128, 2, 11],
);

/** True where multiply-adds may be fused. */
export function relaxedSimd(): boolean {
  return WebAssembly.validate(relaxedProbe);
}

/**
 * Compiles and instantiates the kernels, synchronously (about 1 ms).
 *
 * @param memory Shared memory, of at most 65,536 pages.
 * @param table Table of function references; record kind 1 calls into it.
 * @param relaxed Whether to take the build with fused multiply-adds; by default where it runs.
 * @returns The exports of a new instance; each thread has its own.
 *
 * @example
 * ```ts
 * import { instantiateKernels } from "./load.ts";
 * const memory = new WebAssembly.Memory({ initial: 1, maximum: 65536, shared: true });
 * const table = new WebAssembly.Table({ initial: 1, element: "anyfunc" });
 * if (instantiateKernels(memory, table).scratchBytes < 1) throw new Error("no scratch");
 * ```
 */
export function instantiateKernels(
  memory: WebAssembly.Memory,
  table: WebAssembly.Table,
  relaxed: boolean = relaxedSimd(),
): KernelExports {
  const module = kernelsModule(relaxed);
  const { exports } = new WebAssembly.Instance(module, { env: { memory, table } });
  const { scratchBytes, ...functions } = exports;
  return {
    ...functions,
    scratchBytes: (scratchBytes as WebAssembly.Global).value,
  } as unknown as KernelExports;
}

/** The compiled module, which can be posted to a worker. */
export function kernelsModule(relaxed: boolean = relaxedSimd()): WebAssembly.Module {
  const bytes = Uint8Array.fromBase64(relaxed ? relaxedKernels : plainKernels);
  return new WebAssembly.Module(bytes);
}
