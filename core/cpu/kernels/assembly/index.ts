/**
 * The plan walker: every thread walks the same list of records and does its share of each.
 * `load.ts` documents the layout of records and of the control block.
 */
import { attention, attentionGradient } from "./attention";
import { convolution, tileBytes } from "./convolution";
import { isDepthwise } from "./depthwise";
import { depthwiseKernelGradient } from "./depthwise_gradient";
import { kernelGradient } from "./gradient";
import { ctcPaths, ctcPosteriors } from "./ctc";
import { gather, scatterAdd } from "./gather";
import { matmul } from "./matmul";
import { pool } from "./pooling";
import { recurrence } from "./recurrence";
import { recurrenceGradient } from "./recurrence_gradient";
import { segments } from "./segment";
import { sampleImage, sampleImageGradient } from "./sampling";
export { matmul };

/** Bytes for packed operands of a product, and for the tile of a convolution. */
const packedBytes: i32 = 1 << 20;
/** Bytes of scratch each thread owns. */
export const scratchBytes: i32 = packedBytes + tileBytes;

// Byte offsets in the control block: a cache line for each word that a thread spins on.
const generationAt: usize = 0;
const commandAt: usize = 64;
const planAt: usize = 68;
const threadsAt: usize = 72;
const modulesAt: usize = 76;
const scratchAt: usize = 80;
const failedAt: usize = 84;
const doneAt: usize = 128;
const arrivedAt: usize = 192;
const sleepersAt: usize = 256;
const readyAt: usize = 320;

const recordBytes: usize = 128;
/** About 36 µs of looking before a thread goes to sleep. */
const patience: i32 = 1 << 16;
/** A sleeping thread looks up this often (ns), to see whether another one has failed. */
const nap: i64 = 200_000_000;

let control: usize = 0;
let seenGeneration: i32 = 0;
let seenModules: i32 = 0;

/** Says where the control block lies; needed before `walk`. */
export function setControl(address: usize): void {
  control = address;
}

/** Waits until the counter at `address` has reached `target`; false if a thread has failed. */
function reach(address: usize, target: i32): bool {
  for (let turn = 0; turn < patience; ++turn) {
    if (atomic.load<i32>(address) - target >= 0) return true;
  }
  atomic.add<i32>(control + sleepersAt, 1);
  let reached = false;
  while (!reached && !atomic.load<i32>(control + failedAt)) {
    const now = atomic.load<i32>(address);
    if (now - target >= 0) reached = true;
    else atomic.wait<i32>(address, now, nap);
  }
  atomic.sub<i32>(control + sleepersAt, 1);
  return reached;
}

/** Adds one to a counter and wakes whoever sleeps. */
function advance(address: usize): void {
  atomic.add<i32>(address, 1);
  // A sleeper counts itself before it looks at the counter, so one of the two sees the other.
  if (atomic.load<i32>(control + sleepersAt)) atomic.notify(address, -1);
}

/** Where a thread's share begins; multiples of 4 keep threads off each other's cache lines. */
function boundary(units: i32, thread: i32, threads: i32): i32 {
  if (thread == threads) return units;
  const even = <i32> (<u64> units * thread / threads);
  if (units < 4 * threads) return even;
  const rounded = (even + 3) & ~3;
  return rounded < units ? rounded : units;
}

function product(record: usize, start: i32, end: i32, scratch: usize): void {
  let a = <usize> load<u32>(record, 16);
  let b = <usize> load<u32>(record, 28);
  let c = <usize> load<u32>(record, 40);
  let rowStart = 0;
  let rowEnd = load<i32>(record, 48);
  let columnStart = 0;
  let columnEnd = load<i32>(record, 52);
  let batch = load<i32>(record, 60);
  const aBatch = <usize> load<u32>(record, 64) * 4;
  const bBatch = <usize> load<u32>(record, 68) * 4;
  const cBatch = <usize> load<u32>(record, 72) * 4;
  const partition = load<u32>(record, 76);
  if (partition == 0) {
    rowStart = start;
    rowEnd = end;
  } else if (partition == 1) {
    columnStart = start;
    columnEnd = end;
  } else {
    a += <usize> start * aBatch;
    b += <usize> start * bBatch;
    c += <usize> start * cBatch;
    batch = end - start;
  }
  for (; batch > 0; --batch) {
    matmul(
      a,
      load<i32>(record, 20),
      load<i32>(record, 24),
      b,
      load<i32>(record, 32),
      load<i32>(record, 36),
      c,
      load<i32>(record, 44),
      rowStart,
      rowEnd,
      columnStart,
      columnEnd,
      load<i32>(record, 56),
      scratch,
      load<i32>(record, 80),
    );
    a += aBatch;
    b += bBatch;
    c += cBatch;
  }
}

/** Convolution and pooling. */
function windowed(kind: u32, record: usize, start: i32, end: i32, scratch: usize): void {
  const x = <usize> load<u32>(record, 16);
  const other = <usize> load<u32>(record, 20);
  const y = <usize> load<u32>(record, 24);
  const block = <usize> load<u32>(record, 28);
  const units = load<i32>(record, 8);
  const tile = scratch + <usize> packedBytes;
  if (kind == 6) convolution(x, other, y, block, units, start, end, scratch, tile);
  else if (kind == 7) {
    if (isDepthwise(block)) depthwiseKernelGradient(x, other, y, block, start, end);
    else kernelGradient(x, other, y, block, start, end, scratch, tile, tileBytes / 4);
  } else pool(x, other, y, block, load<i32>(record, 32), units, start, end, tile);
}

/** Does units [start,end) of one record. */
function run(record: usize, start: i32, end: i32, scratch: usize): void {
  const kind = load<u32>(record);
  if (kind == 1) {
    call_indirect<void>(load<u32>(record, 16), start, end, record + 20);
  } else if (kind == 2) {
    product(record, start, end, scratch);
  } else if (kind == 3) {
    gather(record, start, end);
  } else if (kind == 5) {
    scatterAdd(record, start, end);
  } else if (kind == 9) {
    recurrence(record, start, end, scratch, scratch + <usize> packedBytes);
  } else if (kind == 10) {
    recurrenceGradient(record, start, end, scratch, scratch + <usize> packedBytes);
  } else if (kind == 11) {
    segments(record, start, end);
  } else if (kind == 12) {
    sampleImage(record, start, end);
  } else if (kind == 13) {
    sampleImageGradient(record, start, end);
  } else if (kind == 14) {
    attention(record, start, end, scratch, scratch + <usize> packedBytes);
  } else if (kind == 15) {
    attentionGradient(record, start, end, scratch, scratch + <usize> packedBytes);
  } else if (kind == 16) {
    ctcPaths(record, start, end);
  } else if (kind == 17) {
    ctcPosteriors(record, start, end, scratch);
  } else if (kind >= 6) {
    windowed(kind, record, start, end, scratch);
  } else {
    const size = <usize> load<u32>(record, 24);
    const from = <usize> load<u32>(record, 16) + <usize> start * size;
    const to = <usize> load<u32>(record, 20) + <usize> start * size;
    memory.copy(to, from, <usize> (end - start) * size);
  }
}

/** Walks a plan as thread `thread` of `threads`; 0 when done, 1 if another thread failed. */
export function walk(plan: usize, thread: i32, threads: i32): i32 {
  const scratch = <usize> load<u32>(control + scratchAt) + <usize> thread * scratchBytes;
  let arrivals = 0;
  for (let record = plan; load<u32>(record) != 0; record += recordBytes) {
    if (threads > 1 && load<u32>(record, 4)) {
      arrivals += threads;
      advance(control + arrivedAt);
      if (!reach(control + arrivedAt, arrivals)) return 1;
    }
    const units = load<i32>(record, 8);
    let start = 0;
    let end = units;
    if (load<u32>(record, 12)) {
      start = boundary(units, thread, threads);
      end = boundary(units, thread + 1, threads);
    }
    const step = load<i32>(record, 120);
    if (step) {
      const last = record + recordBytes * <usize> (load<i32>(record, 124) - 1);
      for (; start < end; start += step) {
        const until = min(start + step, end);
        for (let next = record; next <= last; next += recordBytes) run(next, start, until, scratch);
      }
      record = last;
    } else if (start < end) run(record, start, end, scratch);
  }
  return 0;
}

/** Threads that may share a plan: the caller and the unbroken row of ready workers after it. */
export function readyThreads(address: usize, most: i32): i32 {
  const modules = atomic.load<i32>(address + modulesAt);
  let threads = 1;
  while (
    threads < most &&
    atomic.load<i32>(address + readyAt + <usize> threads * 4) == modules + 1
  ) ++threads;
  return threads;
}

/**
 * Writes a command. The generation is odd meanwhile, so that a worker that the last command did
 * not count, and that is late to look at it, cannot read half of this one.
 */
function publish(command: i32, plan: usize, threads: i32): void {
  atomic.add<i32>(control + generationAt, 1);
  atomic.store<i32>(control + commandAt, command);
  atomic.store<u32>(control + planAt, <u32> plan);
  atomic.store<i32>(control + threadsAt, threads);
  atomic.store<i32>(control + arrivedAt, 0);
  atomic.store<i32>(control + doneAt, 0);
  advance(control + generationAt);
}

/** Sends every worker back to its JavaScript, to load a module or to quit. */
export function callWorkers(address: usize): void {
  control = address;
  atomic.add<i32>(control + modulesAt, 1);
  publish(2, 0, 0);
}

/** Runs a plan on `threads` threads, this one included; 0 when done, 1 if a thread failed. */
export function runPlan(address: usize, plan: usize, threads: i32): i32 {
  control = address;
  if (threads <= 1) return walk(plan, 0, 1);
  publish(1, plan, threads);
  if (walk(plan, 0, threads)) return 1;
  return i32(!reach(control + doneAt, threads - 1));
}

/** Serves plans until JavaScript is needed: returns 2 (see `callWorkers`) or 1 (failure). */
export function workerLoop(address: usize, thread: i32): i32 {
  control = address;
  const ready = control + readyAt + <usize> thread * 4;
  atomic.store<i32>(ready, seenModules + 1);
  while (reach(control + generationAt, seenGeneration + 2)) {
    const generation = atomic.load<i32>(control + generationAt);
    const command = atomic.load<i32>(control + commandAt);
    const plan = <usize> atomic.load<u32>(control + planAt);
    const threads = atomic.load<i32>(control + threadsAt);
    const modules = atomic.load<i32>(control + modulesAt);
    // Being written, or written anew since: look again.
    if (generation & 1 || generation != atomic.load<i32>(control + generationAt)) continue;
    seenGeneration = generation;
    if (modules != seenModules) {
      seenModules = modules;
      atomic.store<i32>(ready, 0);
      return 2;
    }
    if (command == 1 && thread < threads) {
      if (walk(plan, thread, threads)) return 1;
      advance(control + doneAt);
    }
  }
  return 1;
}
