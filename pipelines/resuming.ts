import type { MonoTypeOperatorFunction } from "rxjs";
import { checkWritable, DataError, keepState, type StateValue } from "../mod.ts";
import { UsageError } from "./command_line.ts";
import type { TrainingOptions } from "./training_options.ts";

/** Options that a run that goes on may have changed, or that the run itself looks after. */
const free: ReadonlySet<string> = new Set([
  ...["epochs", "seed", "batch-size", "limit", "patience", "device", "threads", "log-every"],
  ...["profile", "trace", "checkpoint", "resume"],
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

/** The file that a network goes on from; `undefined` when it begins anew. */
export function resumeFile(options: TrainingOptions, network?: string): string | undefined {
  const path = fileOf(options.resume, network);
  return path === undefined || isMissing(path) ? undefined : path;
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
  const { resume, momentum, optimizer } = options;
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
  for (const path of [options.trace, options.checkpoint]) if (path) checkWritable(path);
  const files = resume === undefined
    ? []
    : [undefined, ...others].map((name) => fileOf(resume, name));
  if (files.length > 0 && files.every(isMissing)) {
    throw new DataError(
      `Cannot resume from ${files.join(" or ")}: there is no such file, check its path`,
      { file: resume },
    );
  }
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

/**
 * Keeps the options in checkpoints, and refuses to resume with others, or what another pipeline has
 * saved.
 *
 * @param options What the command has said.
 * @param network The name of the network, if it is not the one that the pipeline is about.
 * @param others Names of more options that may change.
 */
export function sameOptions<Event>(
  options: TrainingOptions,
  network: string | undefined,
  others: readonly string[],
): MonoTypeOperatorFunction<Event> {
  const deciding = Object.entries(options).filter(([name]) =>
    !free.has(name) && !others.includes(name)
  ).map(([name, value]) => [name, value ?? null]);
  const now: Readonly<Record<string, StateValue>> = {
    ...Object.fromEntries(deciding),
    // The whole way of the rate follows from the number of epochs.
    epochs: options.schedule === "constant" ? null : options.epochs,
    // It is there or not; how long it waits may be changed.
    patience: options.patience === undefined ? null : true,
  };
  const from = { pipeline: Deno.mainModule.replace(/.*\//, ""), network: network ?? null };
  const path = fileOf(options.resume, network);
  return keepState("options", {
    save: () => ({ ...from, now }),
    restore: (saved) => {
      const { now: before, ...source } = saved as typeof from & { readonly now: typeof now };
      if (source.pipeline !== from.pipeline || source.network !== from.network) {
        throw new UsageError(
          `Cannot resume ${path} as it must be a checkpoint of ${nameOf(from)}: received one of ` +
            `${nameOf(source)}, name another file with --resume`,
        );
      }
      for (const [name, value] of Object.entries(before)) {
        if (String(now[name] ?? null) === String(value)) continue;
        const hint = "weights" in options
          ? " (for a new run from its weights use --weights)"
          : " (leave --resume out for a new run)";
        throw new UsageError(
          `Cannot resume ${path} as --${name} must be what it was, ${told(value)}: received ` +
            `${told(now[name] ?? null)}${hint}`,
        );
      }
    },
  });
}

/** An option in a message; flags have no value. */
function told(value: StateValue): string {
  return value === null ? "not given" : value === true ? "given" : String(value);
}

/** What has saved a checkpoint, in words. */
function nameOf({ pipeline, network }: { pipeline: string; network: string | null }): string {
  return network === null ? pipeline : `the network ${network} of ${pipeline}`;
}
