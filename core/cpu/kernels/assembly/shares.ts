/**
 * How large the fixed shares of a phase are: as large as its threads are fast.
 *
 * Cores are not equally fast all the time: what other systems do on the other half of a core may take a
 * third of its speed for seconds. Who has waited longer than the thread beside it takes a little from it.
 */
import { control, turns, waitUntilFinished } from "./control";

// Byte offsets in the control block, behind those of control.ts.
const shiftsAt: usize = 448;
const waitsAt: usize = 640;
const knownAt: usize = 768;

/** Runs from one look at the waits to the next: they lie in lines that the other threads write. */
const apart: i32 = 4;
/** Turns of waiting in those runs that do not matter: some 1.2 µs in each. */
const negligible: i32 = 8000;
/** Steps of a bound from one end of an even share to the other. */
const steps: i32 = 64;
/** What bounds are parts of: they are told by how far they have moved, in parts of all units. */
const whole: i32 = 65536;

/** Threads whose bounds are kept, and runs of theirs since the last look. */
let kept: i32 = 0;
let runs: i32 = 0;
/** Turns that this thread has ever waited for others' shares; the number may wrap. */
let waited: i32 = 0;

// @ts-ignore: decorator
@inline
function wordAt(offset: usize, index: i32): usize {
  return control + offset + <usize> index * 4;
}

/**
 * Where a share begins. Where units are many, multiples of 16 or 4 keep threads off each other's cache
 * lines, and blocks of a product whole.
 */
export function boundary(units: i32, share: i32, shares: i32): i32 {
  if (share == 0) return 0;
  if (share == shares) return units;
  const bound = whole * share / shares + load<i32>(wordAt(shiftsAt, share));
  const grain = units < 8 * shares ? 1 : units < 128 * shares ? 4 : 16;
  const nearest = <i32> ((<u64> units * bound + grain * whole / 2) / whole);
  return min(nearest & -grain, units);
}

/**
 * Waits between two phases until `target` units and shares are finished; `counts`: shares alone, which
 * can be changed. At the end of a run only one thread waits: that says nothing of the others.
 */
export function waitForOthers(target: i32, counts: bool): i32 {
  const seen = waitUntilFinished(target);
  if (counts) waited += turns;
  return seen;
}

/** Says how long this thread has waited. */
export function noteWaits(thread: i32): void {
  atomic.store<i32>(wordAt(waitsAt, thread), waited);
}

/** Moves the bounds of shares by what threads have waited since the last look; between two runs. */
export function adjustShares(threads: i32): void {
  const anew = threads != kept;
  if (anew) memory.fill(wordAt(shiftsAt, 0), 0, <usize> (threads + 1) * 4);
  else if (++runs < apart) return;
  kept = threads;
  runs = 0;
  noteWaits(0);
  let before = waitsSince(0);
  for (let share = 1; share < threads; ++share) {
    const behind = waitsSince(share);
    if (!anew && abs(before - behind) > negligible) moveBound(share, threads, before > behind);
    before = behind;
  }
}

/** Turns that a thread has waited since the last look. */
function waitsSince(thread: i32): i32 {
  const all = atomic.load<i32>(wordAt(waitsAt, thread));
  const since = all - load<i32>(wordAt(knownAt, thread));
  store<i32>(wordAt(knownAt, thread), all);
  return since;
}

/** Moves the bound before a share; both shares beside it stay larger than nothing. */
function moveBound(share: i32, threads: i32, up: bool): void {
  const even = whole / threads;
  const step = even / steps;
  const at = wordAt(shiftsAt, share);
  const moved = load<i32>(at) + (up ? step : -step);
  const room = up ? load<i32>(at, 4) - moved : moved - load<i32>(at - 4);
  if (even + room >= step) store<i32>(at, moved);
}
