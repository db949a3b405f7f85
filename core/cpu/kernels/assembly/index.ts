/** What the threads of a device call: the main thread asks for walks of plans, workers take part. */
import {
  backToJavaScript,
  beReady,
  command,
  enter,
  hasToLoad,
  idle,
  leave,
  plan,
  publish,
  readCommand,
  reached,
  rest,
  setControl,
  threads,
  waitForCommand,
  waitForWalkers,
  waitUntilFinished,
  walkPlan,
} from "./control";
import { adjustShares, noteWaits } from "./shares";
import { due, walk } from "./walk";
export { readyThreads, setControl } from "./control";
export { scratchBytes } from "./dispatch";
export { matmul } from "./matmul";
export { walk } from "./walk";
export { ways } from "./ways";

/** Sends every worker back to its JavaScript, to load a module or to quit. */
export function callWorkers(address: usize): void {
  setControl(address);
  publish(backToJavaScript, 0, 0);
}

/** Runs a plan on `count` threads, this one included; 0 when done, 1 if a thread failed. */
export function runPlan(address: usize, records: usize, count: i32): i32 {
  setControl(address);
  if (count <= 1) return walk(records, 0, 1);
  adjustShares(count);
  publish(walkPlan, records, count);
  if (walk(records, 0, count)) return 1;
  return i32(waitUntilFinished(due) != reached);
}

/** Waits until no worker looks at a plan that has been run; 0 when done, 1 if a thread failed. */
export function settle(address: usize): i32 {
  setControl(address);
  publish(rest, 0, 0);
  return i32(!waitForWalkers());
}

/**
 * Serves plans until JavaScript is needed: returns 2 (see `callWorkers`), 3 (idle, to be called again
 * after a turn for events) or 1 (failure).
 */
export function workerLoop(address: usize, thread: i32): i32 {
  setControl(address);
  beReady(thread);
  while (true) {
    const seen = waitForCommand();
    if (seen == idle) return 3;
    if (seen != reached) return 1;
    if (!readCommand()) continue;
    if (hasToLoad(thread)) return 2;
    if (command != walkPlan || thread >= threads) continue;
    if (enter()) {
      if (walk(plan, thread, threads)) return 1;
      noteWaits(thread);
    }
    leave();
  }
}
