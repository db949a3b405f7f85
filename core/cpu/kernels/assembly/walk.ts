/**
 * The plan walker: every thread walks the same records, phase by phase. The work of a phase is taken by
 * whoever comes first, and the next phase begins when all of it is finished.
 * `load.ts` documents the layout of records.
 */
import { failed, finish, generation, isNewest, scratchOf } from "./control";
import { run, scratchBytes } from "./dispatch";
import { forget } from "./matmul";
import { boundary, waitForOthers } from "./shares";

const recordBytes: usize = 128;
// Byte offsets in a record, of what every kind has.
const meetsAt: usize = 4;
const unitsAt: usize = 8;
const sharedAt: usize = 12;
const ownAt: usize = 100;
const takenAt: usize = 104;
const leastClaimAt: usize = 112;
const claimLengthAt: usize = 116;
const chainUnitsAt: usize = 120;
const chainLengthAt: usize = 124;

/** Units and shares of the run that are finished when the last phase of a walk is. */
export let due: i32 = 0;

/** The last of the records that `record` counts in its word at `lengthAt`; 0 counts as 1. */
function lastOf(record: usize, lengthAt: usize): usize {
  const length = load<i32>(record + lengthAt);
  return length > 1 ? record + recordBytes * <usize> (length - 1) : record;
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

/** The first record from `record` on whose units are claimed, or else are shared out; `end` if none is. */
function nextOf(claimed: bool, record: usize, end: usize): usize {
  while (record < end && (load<i32>(record, leastClaimAt) != 0) != claimed) {
    record = lastOf(record, claimed ? chainLengthAt : claimLengthAt) + recordBytes;
  }
  return record;
}

/**
 * What is taken of some work in this run, of a word that holds a run's generation and that. In the word
 * of another run it is nothing yet, or, for a thread that comes too late, everything (-1).
 */
function takenIn(word: u64): i32 {
  if (<i32> (word >> 32) == generation) return <i32> word;
  // While nobody has taken this work, the run cannot end: who still finds the word unchanged is in time.
  return isNewest() ? 0 : -1;
}

// @ts-ignore: decorator
@inline
function wordOf(taken: i32): u64 {
  return <u64> <u32> generation << 32 | <u32> taken;
}

/** Takes a share of the phase whose first shared record is `record`; false if it is taken. */
function take(record: usize, share: i32): bool {
  let seen = atomic.load<u64>(record, takenAt);
  while (true) {
    const taken = takenIn(seen);
    if (taken >> share & 1) return false;
    const found = atomic.cmpxchg<u64>(record, seen, wordOf(taken | 1 << share), takenAt);
    if (found == seen) return true;
    seen = found;
  }
}

/** Does a share of the records of a phase that are shared out. */
function runShare(first: usize, end: usize, share: i32, shares: i32, scratch: usize): void {
  for (let record = first; record < end; record = nextOf(false, record + recordBytes, end)) {
    const units = load<i32>(record, unitsAt);
    const last = lastOf(record, chainLengthAt);
    if (load<u32>(record, sharedAt)) {
      const start = boundary(units, share, shares);
      const until = boundary(units, share + 1, shares);
      if (start < until) runAll(record, last, start, until, scratch);
    } else runAll(record, last, 0, units, scratch);
    record = last;
  }
}

/** Does this thread's share of a phase, which lies in its cache, and then those that nobody has taken. */
function runShares(first: usize, end: usize, thread: i32, threads: i32, scratch: usize): void {
  if (load<u32>(first, ownAt)) {
    runShare(first, end, thread, threads, scratch);
    return finish(1);
  }
  for (let turn = 0; turn < threads; ++turn) {
    const share = thread + turn < threads ? thread + turn : thread + turn - threads;
    if (!take(first, share)) continue;
    runShare(first, end, share, threads, scratch);
    finish(1);
  }
}

/** Units of the claim that begins where `left` units are left: fewer and fewer, `least` at least. */
function claimSize(left: i32, least: i32, threads: i32): i32 {
  const share = left / (2 * threads);
  const size = share > least ? share - share % least : least;
  return left - size < least ? left : size;
}

/** Does units of the records from `record` to `last` as long as there are any that nobody has taken. */
function runClaims(record: usize, last: usize, threads: i32, scratch: usize): void {
  const units = load<i32>(record, unitsAt);
  const least = load<i32>(record, leastClaimAt);
  let seen = atomic.load<u64>(record, takenAt);
  while (true) {
    const start = takenIn(seen);
    if (start < 0 || start >= units) return;
    const size = claimSize(units - start, least, threads);
    const found = atomic.cmpxchg<u64>(record, seen, wordOf(start + size), takenAt);
    if (found == seen) {
      runAll(record, last, start, start + size, scratch);
      finish(size);
      seen = atomic.load<u64>(record, takenAt);
    } else seen = found;
  }
}

/** Walks a plan alone. */
function walkAlone(plan: usize, scratch: usize): void {
  for (let record = plan; load<u32>(record) != 0; record += recordBytes) {
    const tail = lastOf(record, chainLengthAt);
    runAll(record, tail, 0, load<i32>(record, unitsAt), scratch);
    record = tail;
  }
}

/** Walks a plan as thread `thread` of `threads`; 0 when done or over, 1 if another thread failed. */
export function walk(plan: usize, thread: i32, threads: i32): i32 {
  const scratch = scratchOf(thread, scratchBytes);
  forget();
  due = 0;
  // Whether the last phase has fixed shares alone.
  let fixed = false;
  if (threads == 1) {
    walkAlone(plan, scratch);
    return 0;
  }
  for (let phase = plan; load<u32>(phase) != 0;) {
    if (phase != plan) {
      const seen = waitForOthers(due, fixed);
      if (seen) return i32(seen == failed);
    }
    let end = phase + recordBytes;
    while (load<u32>(end) != 0 && !load<u32>(end, meetsAt)) end += recordBytes;
    const shared = nextOf(false, phase, end);
    if (shared < end) {
      runShares(shared, end, thread, threads, scratch);
      due += threads;
    }
    let claimed = nextOf(true, phase, end);
    fixed = claimed == end;
    while (claimed < end) {
      const last = lastOf(claimed, claimLengthAt);
      runClaims(claimed, last, threads, scratch);
      due += load<i32>(claimed, unitsAt);
      claimed = nextOf(true, last + recordBytes, end);
    }
    phase = end;
  }
  return 0;
}
