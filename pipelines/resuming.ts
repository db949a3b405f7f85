import { makeFolder, makeFolderOf } from "../core/state/explained_write.ts";
import { checkWritable, DataError, readWeightsMetadata } from "../mod.ts";
import { UsageError } from "./command_line.ts";
import type { TrainingOptions } from "./training_options.ts";

/** Options that may be others in a run that goes on, or are looked at by themselves. */
const alwaysFree: ReadonlySet<string> = new Set([
  ...["epochs", "patience", "device", "threads", "log-every", "profile", "trace"],
  ...["tensor-board", "checkpoint", "resume"],
]);

/** A file beside another: `digits.last.safetensors` for `digits.safetensors`. */
export function beside(path: string, word: string): string {
  return path.replace(/(\.last)?(\.[^./\\]*)?$/, `.${word}$&`);
}

/**
 * The file of one network: the name that was given, or beside it if the network has a name.
 *
 * @param path What was given.
 * @param network Its name; `undefined` for the network that the pipeline is about.
 */
export function fileOf<Path extends string | undefined>(path: Path, network?: string): Path {
  return path === undefined || network === undefined ? path : beside(path, network) as Path;
}

/**
 * The folder of one network: that which was given, or one in it if the network has a name.
 *
 * @param path What was given.
 * @param network Its name; `undefined` for the network that the pipeline is about.
 */
export function folderOf(path: string | undefined, network?: string): string | undefined {
  return path === undefined || network === undefined ? path : `${path}/${network}`;
}

/**
 * Refuses options that do not go together, or files that cannot be, before any work is done.
 *
 * @param options What the command has said.
 * @param others Networks that the pipeline trains beside the one that it is about.
 * @throws {UsageError} when an option needs another one.
 * @throws {DataError} when there is nothing to go on from.
 */
export function checkTraining(
  options: TrainingOptions & { readonly weights?: string },
  others: readonly string[] = [],
): void {
  const { resume, momentum, optimizer, "tensor-board": board } = options;
  for (const name of ["resume", "checkpoint-every"] as const) {
    if (options[name] === undefined || options.checkpoint !== undefined) continue;
    throw new UsageError(
      `Option --${name} goes with --checkpoint: name the file in which the best epoch is kept`,
    );
  }
  if (resume !== undefined && options.weights !== undefined) {
    throw new UsageError(
      "Options --resume and --weights exclude each other: a run that goes on has its weights",
    );
  }
  if (momentum !== undefined && optimizer !== "sgd" && optimizer !== "rmsprop") {
    throw new UsageError(
      `Option --momentum goes with --optimizer sgd or rmsprop: received ${optimizer}, which has none`,
    );
  }
  const files = resume === undefined
    ? []
    : [undefined, ...others].map((name) => fileOf(resume, name));
  if (files.length > 0 && files.every(isMissing)) {
    throw new DataError(
      `Cannot resume from ${files.join(" or ")}: there is no such file, check its path`,
      { file: resume },
    );
  }
  const { trace, checkpoint } = options;
  if (checkpoint) makeFolderOf(checkpoint);
  for (const path of [trace, checkpoint]) if (path) checkWritable(path);
  if (board !== undefined) makeFolder(board);
}

function isMissing(path: string): boolean {
  try {
    Deno.statSync(path);
    return false;
  } catch (error) {
    // What may not be read is told of where it is read.
    return error instanceof Deno.errors.NotFound;
  }
}

/** One network of a pipeline, and what it is trained by. */
interface Trained {
  /** Its name, if it is not the one that the pipeline is about. */
  readonly name?: string;
  /** Options of the command, beside those of every training, that may be others in a run that goes on. */
  readonly free?: readonly string[];
}

type OptionTexts = Readonly<Record<string, string | null>>;

/** What must be the same in a run that goes on, as a text for its checkpoints. */
export function optionsText(options: TrainingOptions, { name, free = [] }: Trained): string {
  const deciding = Object.entries(options).filter(([name]) =>
    !alwaysFree.has(name) && !free.includes(name)
  ).map(([name, value]) => [name, value === undefined ? null : String(value)]);
  const texts: OptionTexts = {
    ...Object.fromEntries(deciding),
    // The whole way of the rate follows from the number of epochs.
    epochs: options.schedule === "constant" ? null : `${options.epochs}`,
    // It is there or not; how long it waits may be changed.
    patience: options.patience === undefined ? null : "given",
    "tensor-board": options["tensor-board"] === undefined ? null : "given",
  };
  const pipeline = Deno.mainModule.replace(/.*\//, "");
  return JSON.stringify({ pipeline, network: name ?? null, texts });
}

/**
 * The file that a network goes on from; `undefined` when it begins anew.
 *
 * @throws {UsageError} when another pipeline has saved it, or this one with other options.
 */
export async function resumeFile(
  options: TrainingOptions,
  trained: Trained,
): Promise<string | undefined> {
  const path = fileOf(options.resume, trained.name);
  if (path === undefined || isMissing(path)) return undefined;
  const { options: saved } = await readWeightsMetadata(path);
  // Whoever reads it says what is wrong with a file of another making.
  if (saved !== undefined) {
    checkSame(path, JSON.parse(saved), JSON.parse(optionsText(options, trained)), options);
  }
  return path;
}

interface Origin {
  readonly pipeline: string;
  readonly network: string | null;
  readonly texts: OptionTexts;
}

function checkSame(path: string, before: Origin, now: Origin, options: object): void {
  if (before.pipeline !== now.pipeline || before.network !== now.network) {
    throw new UsageError(
      `Cannot resume ${path} as it must be a checkpoint of ${nameOf(now)}: received one of ` +
        `${nameOf(before)}, name another file with --resume`,
    );
  }
  for (const [name, value] of Object.entries(before.texts)) {
    const text = now.texts[name] ?? null;
    if (text === value) continue;
    const hint = "weights" in options
      ? "for a new run from its weights use --weights"
      : "leave --resume out for a new run";
    throw new UsageError(
      `Cannot resume ${path} as --${name} must be what it was, ${told(value)}: received ` +
        `${told(text)} (${hint})`,
    );
  }
}

/** An option in a message; flags have no value. */
function told(text: string | null): string {
  return text === null ? "not given" : text === "true" ? "given" : text;
}

/** What has saved a checkpoint, in words. */
function nameOf({ pipeline, network }: Origin): string {
  return network === null ? pipeline : `the network ${network} of ${pipeline}`;
}
