/**
 * The control block: what the threads of a device tell each other. `load.ts` documents its layout.
 *
 * A **run** is a walk of a plan that the main thread asks for by a new generation. Work of a run is
 * counted as it is finished, and nobody waits for a thread that has taken none: a thread that is held
 * up, or asleep, leaves its share to the others, and when it comes back finds the run further on, or over.
 */

// Byte offsets in the control block: a cache line for each word that a thread spins on.
const generationAt: usize = 0;
const commandAt: usize = 64;
const planAt: usize = 68;
const threadsAt: usize = 72;
const modulesAt: usize = 76;
const scratchAt: usize = 80;
const failedAt: usize = 84;
const walkersAt: usize = 128;
const finishedAt: usize = 192;
const sleepersAt: usize = 256;
const readyAt: usize = 320;

/** What a worker is asked for. */
export const rest: i32 = 0;
export const walkPlan: i32 = 1;
export const backToJavaScript: i32 = 2;

/** What has become of a wait. */
export const reached: i32 = 0;
export const failed: i32 = 1;
export const over: i32 = 2;
export const idle: i32 = 3;
const waiting: i32 = -1;

/**
 * Turns of looking for the end of a phase before a thread goes to sleep: about 75 µs, longer than the
 * smallest claims, which threads may have to wait for.
 */
const patience: i32 = 1 << 17;
/**
 * Turns of looking for the next run: about 20 µs, what often lies between two steps. Nobody waits for a
 * sleeper, and one that looks longer takes time from whoever shares its core.
 */
const patienceBetweenRuns: i32 = 1 << 15;
/** A sleeping thread looks up this often (ns), to see whether another one has failed. */
const nap: i64 = 200_000_000;
/** Naps without a command after which a worker goes to its JavaScript for a moment. */
const napsUntilIdle: i32 = 5;
/** What a wait gives that nobody has ended. */
const timedOut: i32 = 2;
/** How long (ns) the main thread sleeps while it waits for the last walker. */
const moment: i64 = 100_000;

/** Where the control block lies. */
export let control: usize = 0;
/** The run that this thread takes part in. */
export let generation: i32 = 0;

/** Turns of looking that the last wait has taken. */
export let turns: i32 = 0;

/** Says where the control block lies; needed before anything else. */
export function setControl(address: usize): void {
  control = address;
}

/** This thread's part of the scratch. */
export function scratchOf(thread: i32, bytes: i32): usize {
  return <usize> load<u32>(control + scratchAt) + <usize> thread * bytes;
}

/** Adds to a counter and wakes whoever sleeps. */
function advance(address: usize, by: i32): void {
  atomic.add<i32>(address, by);
  // A sleeper counts itself before it looks at the counter, so one of the two sees the other.
  if (atomic.load<i32>(control + sleepersAt)) atomic.notify(address, -1);
}

/** Says that units of work, or shares, of this run are finished. */
export function finish(count: i32): void {
  advance(control + finishedAt, count);
}

/** Whether no other command has come since the one that this thread follows. */
export function isNewest(): bool {
  return atomic.load<i32>(control + generationAt) == generation;
}

// @ts-ignore: decorator
@inline
function look(address: usize, target: i32, ofRun: bool): i32 {
  // In this order: the counter begins anew after the generation of the next run has come.
  const enough = atomic.load<i32>(address) - target >= 0;
  if (ofRun && !isNewest()) return over;
  return enough ? reached : waiting;
}

/**
 * Looks `most` turns for a counter to reach `target`, then sleeps until it has; `ofRun`: or the run is
 * over, else: or nothing has come for long.
 */
function wait(address: usize, target: i32, most: i32, ofRun: bool): i32 {
  for (turns = 0; turns < most; ++turns) {
    const seen = look(address, target, ofRun);
    if (seen != waiting) return seen;
  }
  atomic.add<i32>(control + sleepersAt, 1);
  let seen = waiting;
  let naps = 0;
  while (seen == waiting) {
    const now = atomic.load<i32>(address);
    seen = look(address, target, ofRun);
    if (seen != waiting) break;
    if (atomic.load<i32>(control + failedAt)) seen = failed;
    else if (atomic.wait<i32>(address, now, nap) == timedOut && !ofRun && ++naps == napsUntilIdle) {
      seen = idle;
    }
  }
  atomic.sub<i32>(control + sleepersAt, 1);
  return seen;
}

/** Waits until `target` units and shares of this run are finished. */
export function waitUntilFinished(target: i32): i32 {
  return wait(control + finishedAt, target, patience, true);
}

/** Waits for a run, or another command, after the last one: reached, failed or idle. */
export function waitForCommand(): i32 {
  return wait(control + generationAt, generation + 2, patienceBetweenRuns, false);
}

/**
 * Writes a command. The generation is odd meanwhile, so that a worker that is late to look at the last
 * one cannot read half of this one.
 */
export function publish(command: i32, plan: usize, threads: i32): void {
  atomic.add<i32>(control + generationAt, 1);
  atomic.store<i32>(control + commandAt, command);
  atomic.store<u32>(control + planAt, <u32> plan);
  atomic.store<i32>(control + threadsAt, threads);
  atomic.store<i32>(control + finishedAt, 0);
  if (command == backToJavaScript) atomic.add<i32>(control + modulesAt, 1);
  generation = atomic.add<i32>(control + generationAt, 1) + 1;
  if (command != rest && atomic.load<i32>(control + sleepersAt)) {
    atomic.notify(control + generationAt, -1);
  }
}

/** Waits until no worker walks a plan any longer; false if a thread has failed. */
export function waitForWalkers(): bool {
  while (true) {
    const walkers = atomic.load<i32>(control + walkersAt);
    if (!walkers) return true;
    if (atomic.load<i32>(control + failedAt)) return false;
    atomic.wait<i32>(control + walkersAt, walkers, moment);
  }
}

// What a worker has read of a command.
export let command: i32 = 0;
export let plan: usize = 0;
export let threads: i32 = 0;
let modules: i32 = 0;
let seenModules: i32 = 0;

/** Reads the newest command; false if it is being written, or written anew since. */
export function readCommand(): bool {
  const now = atomic.load<i32>(control + generationAt);
  command = atomic.load<i32>(control + commandAt);
  plan = <usize> atomic.load<u32>(control + planAt);
  threads = atomic.load<i32>(control + threadsAt);
  modules = atomic.load<i32>(control + modulesAt);
  if (now & 1 || now != atomic.load<i32>(control + generationAt)) return false;
  generation = now;
  return true;
}

/** Whether the command is still the newest, now that whoever frees plans waits for this thread. */
export function enter(): bool {
  atomic.add<i32>(control + walkersAt, 1);
  return isNewest();
}

/** Says that this worker walks no plan any longer. */
export function leave(): void {
  atomic.sub<i32>(control + walkersAt, 1);
}

/** Whether there are modules that this worker has not loaded; it is not ready until it has. */
export function hasToLoad(thread: i32): bool {
  if (modules == seenModules) return false;
  seenModules = modules;
  atomic.store<i32>(control + readyAt + <usize> thread * 4, 0);
  return true;
}

/** Says that a worker has loaded all modules that it knows of. */
export function beReady(thread: i32): void {
  atomic.store<i32>(control + readyAt + <usize> thread * 4, seenModules + 1);
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
