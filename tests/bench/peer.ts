/** The one measuring loop of every peer written in TypeScript; `peers/pytorch.py` mirrors it. */

import process from "node:process";
import { parseArgs } from "node:util";
import { median } from "./statistics.ts";
import type { Inference, MatrixProduct, Training, Workload } from "./workloads.ts";

/** A workload made ready by a peer that is told to take each step. */
export interface PreparedSteps {
  /** Runs step `index`; may leave the work in flight, or return a promise to be awaited. */
  step(index: number): unknown;
  /** Waits until all steps are done; resolves to the last loss, or to one number of the result. */
  settle(): number | Promise<number>;
}

/** A workload made ready by a peer that takes its steps by itself, such as a stream. */
export interface PreparedRun {
  /** Runs steps `first` to `first + count`; resolves to the last loss when all are done. */
  run(first: number, count: number): Promise<number>;
}

/** A workload made ready by a peer. */
export type Prepared = PreparedSteps | PreparedRun;

/** What a peer must be able to make ready. */
export interface Peer {
  readonly name: string;
  readonly version: string;
  training(workload: Training, folder: string): Prepared | Promise<Prepared>;
  inference(workload: Inference, folder: string): Prepared | Promise<Prepared>;
  matmul(workload: MatrixProduct): Prepared | Promise<Prepared>;
}

/** What a peer is told on its command line. */
export interface PeerArguments {
  readonly workload: Workload;
  /** Folder made by `prepare_data.ts`. */
  readonly folder: string;
  readonly threads: number;
  /** Milliseconds since 1970 at which the process was asked for. */
  readonly started: number;
}

/** The line that a peer prints. */
export interface Measurement {
  readonly peer: string;
  readonly version: string;
  readonly network: string;
  readonly threads: number;
  readonly medianMicrosecondsPerStep: number;
  readonly fastestMicrosecondsPerStep: number;
  readonly slowestMicrosecondsPerStep: number;
  readonly stepsPerSecond: number;
  readonly steps: number;
  /** From the request for the process to the end of its first step. */
  readonly coldStartMilliseconds: number;
  /** The first step alone: tracing, compiling and running it. */
  readonly firstStepMilliseconds: number;
  /** As the first step, for half as many rows, when all else has run before. */
  readonly newSignatureMilliseconds: number;
  /** Loss of the first step; for other workloads one number of the result. */
  readonly firstLoss: number;
  /**
   * Mean of the losses read in the second half of `learningSteps`, or the last one of a peer that was
   * stopped before; for other workloads as `firstLoss`.
   */
  readonly lastLoss: number;
}

const MINIMUM_SECONDS = 0.5;
const MAXIMUM_SECONDS = 30;

/** Reads `--workload JSON --data FOLDER --threads N --started MILLISECONDS`. */
export function peerArguments(): PeerArguments {
  const { values } = parseArgs({
    args: Deno.args,
    strict: false, // a peer may have options of its own
    options: {
      workload: { type: "string" },
      data: { type: "string" },
      threads: { type: "string", default: "1" },
      started: { type: "string", default: String(Date.now()) },
    },
  });
  const { workload, data } = values;
  if (typeof workload !== "string" || typeof data !== "string") {
    throw new Error(
      "A peer needs --workload JSON and --data FOLDER; tests/bench/run.ts gives them",
    );
  }
  return {
    workload: JSON.parse(workload),
    folder: data,
    threads: Number(values.threads),
    started: Number(values.started),
  };
}

function prepare(peer: Peer, { workload, folder }: PeerArguments): Prepared | Promise<Prepared> {
  if (workload.kind === "training") return peer.training(workload, folder);
  if (workload.kind === "inference") return peer.inference(workload, folder);
  return peer.matmul(workload);
}

/** Runs steps `first` to `first + count`; synchronous steps are not awaited. */
async function runSteps(prepared: Prepared, first: number, count: number): Promise<number> {
  if ("run" in prepared) return await prepared.run(first, count);
  for (let index = first; index < first + count; index++) {
    const pending = prepared.step(index);
    if (pending instanceof Promise) await pending;
  }
  return await prepared.settle();
}

/**
 * Mean of the losses read in the second half of the learning steps; of a peer that was stopped
 * before, the last one read.
 */
function lateLoss(workload: Workload, losses: Map<number, number>, first: number): number {
  if (workload.kind !== "training") return first;
  const within = [...losses].filter(([step]) => step <= workload.learningSteps);
  const second = within.filter(([step]) => step > workload.learningSteps / 2);
  const late = second.length > 0 ? second : within.slice(-1);
  return late.reduce((sum, [, loss]) => sum + loss / late.length, 0);
}

/** The same workload on half the rows: another signature. */
function halfRows(workload: Workload): Workload {
  const half = (rows: number) => Math.max(2, Math.floor(rows / 2));
  return workload.kind === "matmul"
    ? { ...workload, rows: half(workload.rows) }
    : { ...workload, batchSize: half(workload.batchSize) };
}

/** Measures one workload with one peer, prints its {@linkcode Measurement}, and exits. */
export async function runPeer(peer: Peer, given = peerArguments()): Promise<void> {
  const { workload, threads, started } = given;
  const prepared = await prepare(peer, given);
  const before = performance.now();
  const firstLoss = await runSteps(prepared, 0, 1);
  const firstStepMilliseconds = performance.now() - before;
  const coldStartMilliseconds = Date.now() - started;
  await runSteps(prepared, 1, workload.warmUp - 1);

  const learningSteps = workload.kind === "training" ? workload.learningSteps : 0;
  const [times, losses] = [[] as number[], new Map<number, number>()];
  let [steps, seconds] = [workload.warmUp, 0];
  while (
    seconds < MAXIMUM_SECONDS &&
    (seconds < MINIMUM_SECONDS || times.length < workload.windows || steps < learningSteps)
  ) {
    const start = performance.now();
    const loss = await runSteps(prepared, steps, workload.window);
    const elapsed = performance.now() - start;
    steps += workload.window;
    seconds += elapsed / 1000;
    times.push(elapsed * 1000 / workload.window);
    losses.set(steps, loss);
  }
  const halved = await prepare(peer, { ...given, workload: halfRows(workload) });
  const asked = performance.now();
  await runSteps(halved, 0, 1);
  const newSignatureMilliseconds = performance.now() - asked;
  const middle = median(times);
  const measurement: Measurement = {
    peer: peer.name,
    version: peer.version,
    network: workload.name,
    threads,
    medianMicrosecondsPerStep: middle,
    fastestMicrosecondsPerStep: Math.min(...times),
    slowestMicrosecondsPerStep: Math.max(...times),
    stepsPerSecond: 1e6 / middle,
    steps,
    coldStartMilliseconds,
    firstStepMilliseconds,
    newSignatureMilliseconds,
    firstLoss,
    lastLoss: lateLoss(workload, losses, firstLoss),
  };
  console.log(JSON.stringify(measurement));
  process.exit(0); // Worker threads of a peer would keep the process alive.
}
