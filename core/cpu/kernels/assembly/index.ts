/**
 * The plan walker: every thread walks the same list of records and does its share of each.
 * `load.ts` documents the layout of records and of the control block.
 */
import { run, scratchBytes } from "./dispatch";
import { forget } from "./matmul";
export { matmul } from "./matmul";
export { ways } from "./ways";
export { scratchBytes };

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
// Byte offsets in a record, of what every kind has.
const nextClaimAt: usize = 104;
const finishedAt: usize = 108;
const leastClaimAt: usize = 112;
const claimLengthAt: usize = 116;
const chainUnitsAt: usize = 120;
const chainLengthAt: usize = 124;
/**
 * About 150 µs of looking before a thread goes to sleep: more than what lies between two steps, as a
 * step of a small network takes no longer than waking a thread.
 */
const patience: i32 = 1 << 18;
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

/** Does units [start,end) of the records from `record` to `last`, chains some units at a time. */
function runAll(record: usize, last: usize, start: i32, end: i32, scratch: usize): void {
  for (; record <= last; record += recordBytes) {
    const step = load<i32>(record, chainUnitsAt);
    if (!step) {
      run(record, start, end, scratch);
      continue;
    }
    const tail = lastOf(record, chainLengthAt);
    for (let from = start; from < end; from += step) {
      const until = min(from + step, end);
      for (let next = record; next <= tail; next += recordBytes) run(next, from, until, scratch);
    }
    record = tail;
  }
}

/** The last of the records that `record` counts in its word at `lengthAt`; 0 counts as 1. */
function lastOf(record: usize, lengthAt: usize): usize {
  const length = load<i32>(record + lengthAt);
  return length > 1 ? record + recordBytes * <usize> (length - 1) : record;
}

/** Units of the claim that begins where `left` units are left: fewer and fewer, `least` at least. */
function claimed(left: i32, least: i32, threads: i32): i32 {
  const share = left / (2 * threads);
  const size = share > least ? share - share % least : least;
  return left - size < least ? left : size;
}

/**
 * Does, with other threads, the units of the records from `record` to `last`: each takes some of those
 * that nobody has taken, so that a thread which is held up leaves more to the others.
 */
function runClaims(record: usize, last: usize, threads: i32, scratch: usize): void {
  const units = load<i32>(record, 8);
  const least = load<i32>(record, leastClaimAt);
  const next = record + nextClaimAt;
  let start = atomic.load<i32>(next);
  while (start < units) {
    const end = start + claimed(units - start, least, threads);
    const found = atomic.cmpxchg<i32>(next, start, end);
    if (found == start) {
      runAll(record, last, start, end, scratch);
      start = atomic.load<i32>(next);
    } else start = found;
  }
  // The last to find nothing left makes the record ready for the next walk.
  if (atomic.add<i32>(record + finishedAt, 1) == threads - 1) {
    store<i32>(record, 0, finishedAt);
    store<i32>(record, 0, nextClaimAt);
  }
}

/** Walks a plan as thread `thread` of `threads`; 0 when done, 1 if another thread failed. */
export function walk(plan: usize, thread: i32, threads: i32): i32 {
  const scratch = <usize> load<u32>(control + scratchAt) + <usize> thread * scratchBytes;
  forget();
  let arrivals = 0;
  for (let record = plan; load<u32>(record) != 0; record += recordBytes) {
    if (threads > 1 && load<u32>(record, 4)) {
      arrivals += threads;
      advance(control + arrivedAt);
      if (!reach(control + arrivedAt, arrivals)) return 1;
    }
    if (threads > 1 && load<i32>(record, leastClaimAt)) {
      const last = lastOf(record, claimLengthAt);
      runClaims(record, last, threads, scratch);
      record = last;
      continue;
    }
    const units = load<i32>(record, 8);
    let start = 0;
    let end = units;
    if (load<u32>(record, 12)) {
      start = boundary(units, thread, threads);
      end = boundary(units, thread + 1, threads);
    }
    const last = lastOf(record, chainLengthAt);
    if (start < end) runAll(record, last, start, end, scratch);
    record = last;
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
