import { filter, lastValueFrom, type MonoTypeOperatorFunction, type Observable, pipe } from "rxjs";
import { jsonText } from "../core/stream/operators/json_text.ts";
import { writeText } from "../core/stream/operators/line_queue.ts";
import { meetRun } from "../core/stream/run_listeners.ts";
import {
  type AnyDataSet,
  type AnyUpdated,
  checkpoint,
  earlyStopping,
  type Epoch,
  jsonLines,
  type MiniBatchesOptions,
  type Optimizer,
  profile,
  progressBar,
  type RunControl,
  sampleCount,
  stopOnSignal,
  tensorBoard,
} from "../mod.ts";
import { UsageError } from "./command_line.ts";
import { beside, fileOf, folderOf, optionsText, resumeFile } from "./resuming.ts";
import { optimizerOf, scheduleOf, type TrainingOptions } from "./training_options.ts";

/** What is particular to one network of a pipeline. */
export interface Network {
  /** Its name, which is put into the names of files; left out for the one the pipeline is about. */
  readonly name?: string;
  /** Log name by which epochs are judged; default `val_loss`. */
  readonly monitor?: string;
  /** Log name by which the epoch in its file is chosen; default `monitor`. */
  readonly kept?: string;
  /** Texts for its files. */
  readonly metadata?: Readonly<Record<string, string>>;
  /** Options of the command that may be others when a run goes on; default none of its own. */
  readonly free?: readonly string[];
  /** Epochs from one line to the next; default 1. */
  readonly every?: number;
}

/**
 * Which batches there are and where they are computed: options of `miniBatches`.
 *
 * @throws {UsageError} when the run that is resumed was started with other options.
 */
export async function batchesBy(options: TrainingOptions, network: Network = {}) {
  const { epochs, seed, device, threads } = options;
  return {
    ...{ epochs, seed, device, threads },
    batchSize: options["batch-size"],
    resume: await resumeFile(options, network),
  } satisfies MiniBatchesOptions;
}

/** The optimizer and the way of its learning rate, on so many data. */
export function optimizerBy(options: TrainingOptions, data: AnyDataSet): Optimizer {
  const { epochs, "batch-size": batchSize = 1, momentum } = options;
  const totalSteps = epochs * Math.ceil(sampleCount(data) / batchSize);
  const learningRate = scheduleOf(options.schedule, options["learning-rate"], totalSteps);
  return optimizerOf(options.optimizer, { learningRate, momentum });
}

/** Ends the run at a signal, and the process with the shell's code for it. */
export function endOnSignal<Event extends { readonly run: RunControl }>(): MonoTypeOperatorFunction<
  Event
> {
  return stopOnSignal(["SIGINT", "SIGTERM"], { onSignal: (_, code) => Deno.exitCode = code });
}

/** What stands on the steps: signals, files, lines on stdout, a bar on a terminal, the profile. */
export function watchSteps<Step extends AnyUpdated>(
  options: TrainingOptions,
  network: Network = {},
): MonoTypeOperatorFunction<Step> {
  const { epochs, profile: isProfiled, "checkpoint-every": everySteps, "log-every": every } =
    options;
  const board = folderOf(options["tensor-board"], network.name);
  const [path, trace] = [options.checkpoint, options.trace].map((file) =>
    fileOf(file, network.name)
  );
  return pipe(
    endOnSignal<Step>(),
    path === undefined || everySteps === undefined ? identity : checkpoint(beside(path, "last"), {
      save: "last",
      everySteps,
      metadata: metadataOf(options, network),
    }),
    board === undefined || every === 0 ? identity : tensorBoard(board, { updateFrequency: every }),
    jsonLines(Deno.stdout, { every }),
    progressBar(Deno.stderr, { epochs }),
    isProfiled || trace !== undefined ? profile({ trace }) : identity,
  );
}

/** What stands on the epochs: the best one is kept, also in a file, and each gives a line. */
export function keepBest(
  options: TrainingOptions,
  network: Network = {},
): MonoTypeOperatorFunction<Epoch> {
  const { patience } = options;
  const { monitor = "val_loss", kept = monitor, every = 1 } = network;
  const path = fileOf(options.checkpoint, network.name);
  const board = folderOf(options["tensor-board"], network.name);
  const metadata = metadataOf(options, network);
  return pipe(
    patience === undefined ? identity : earlyStopping({ monitor, patience, restoreBest: true }),
    path === undefined ? identity : checkpoint(path, { monitor: kept, metadata }),
    board === undefined ? identity : tensorBoard(board),
    every === 1 ? identity : filter(({ epoch }) => epoch % every === 0),
    jsonLines(Deno.stdout),
  );
}

/** Texts for a network's files: those of its own, and the options, for a run that goes on. */
function metadataOf(options: TrainingOptions, network: Network) {
  return { ...network.metadata, options: optionsText(options, network) };
}

/**
 * All that the options say of a training, for `fit`: batches, optimizer, and what stands on steps
 * and epochs.
 */
export async function fitBy(options: TrainingOptions, data: AnyDataSet, network: Network = {}) {
  const onSteps = <Step extends AnyUpdated>(steps: Observable<Step>) =>
    steps.pipe(watchSteps(options, network));
  return {
    ...await batchesBy(options, network),
    optimizer: optimizerBy(options, data),
    stepOperators: [onSteps],
    callbacks: [keepBest(options, network)],
  };
}

/**
 * Runs a training to its end.
 *
 * @returns False when it was interrupted, by a signal or as nobody reads its lines any more: what
 * would follow is about a network that has not learnt.
 */
export async function completed(training: Observable<Epoch>): Promise<boolean> {
  let run: RunControl | undefined;
  const met = training.pipe(meetRun((known) => void (run = known)));
  await lastValueFrom(met, { defaultValue: null });
  return run?.reason !== "interrupted";
}

/** Writes an event to stdout, as one line of JSON. */
export function print(event: string, fields: Readonly<Record<string, unknown>>): void {
  writeText(Deno.stdout, `${jsonText({ event, ...fields })}\n`);
}

/**
 * Says on stderr why a run has failed; gives its exit code: 2 for wrong usage, else 1. That nobody
 * reads the lines any more is no failure.
 */
export function failed(error: unknown): number {
  if (error instanceof Deno.errors.BrokenPipe) return 0;
  console.error(error instanceof Error ? error.message : String(error));
  return error instanceof UsageError ? 2 : 1;
}

/** An operator that changes nothing, in the place of one that was not asked for. */
function identity<Value>(source: Observable<Value>): Observable<Value> {
  return source;
}
