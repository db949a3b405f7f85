import type { MonoTypeOperatorFunction, Observable } from "rxjs";
import {
  adam,
  adamw,
  keepState,
  oneCycle,
  type Optimizer,
  rmsprop,
  type ScalarSource,
  sgd,
  type StateValue,
} from "../mod.ts";
import { oneOf, UsageError, wholeNumber } from "./command_line.ts";

/** Where numbers come from and where a run computes: options that every training has. */
export const runOptions = {
  "seed": {
    value: "N",
    help: "of weights, shuffles and masks",
    default: "42",
    parse: wholeNumber(0),
  },
  "device": {
    value: "NAME",
    help: "auto, cpu, webgpu or reference",
    default: "auto",
    parse: oneOf("auto", "cpu", "webgpu", "reference"),
  },
  "threads": { value: "N", help: "of the CPU; all unless given", parse: wholeNumber(1) },
};

/** Optimizers that a command can name. */
export const optimizerNames = ["sgd", "rmsprop", "adam", "adamw"] as const;

/** The optimizer of that name; momentum is for those that have one. */
export function optimizerOf(
  name: typeof optimizerNames[number],
  { learningRate, momentum }: { learningRate: ScalarSource; momentum: number },
): Optimizer {
  switch (name) {
    case "sgd":
      return sgd({ learningRate, momentum });
    case "rmsprop":
      return rmsprop({ learningRate, momentum });
    case "adam":
      return adam({ learningRate });
    case "adamw":
      return adamw({ learningRate });
  }
}

/** Ways of the learning rate that a command can name. */
export const scheduleNames = ["constant", "oneCycle"] as const;

/**
 * The learning rate of a schedule.
 *
 * @param name The schedule's name.
 * @param rate The rate, or the largest one.
 * @param totalSteps Steps of the whole run.
 */
export function scheduleOf<Rate extends ScalarSource & { readonly value: number }>(
  name: typeof scheduleNames[number],
  rate: Rate,
  totalSteps: number,
): ScalarSource {
  if (name === "constant") return rate;
  return oneCycle({
    maxLearningRate: rate.value,
    totalSteps: Math.max(2, totalSteps),
    pctStart: 0.2,
  });
}

/** An operator that changes nothing, in the place of one that was not asked for. */
export function identity<Value>(source: Observable<Value>): Observable<Value> {
  return source;
}

/** Refuses options that do not go with `--resume` and `--checkpoint-every`, or need another. */
export function checkResume(
  options: {
    readonly [name in "resume" | "checkpoint" | "checkpoint-every" | "weights"]?: unknown;
  },
): void {
  for (const name of ["resume", "checkpoint-every"] as const) {
    if (options[name] === undefined || options.checkpoint !== undefined) continue;
    throw new UsageError(
      `Option --${name} goes with --checkpoint: name the file in which the best epoch is kept`,
    );
  }
  if (options.resume !== undefined && options.weights !== undefined) {
    throw new UsageError(
      "Options --resume and --weights exclude each other: a run that goes on has its weights",
    );
  }
}

/**
 * Keeps options in checkpoints, and refuses to resume with others.
 *
 * @param path The file that is resumed, for the message.
 * @param options What decides the run and is not in the file otherwise.
 */
export function sameOptions<Event>(
  path: string | undefined,
  options: Readonly<Record<string, StateValue>>,
): MonoTypeOperatorFunction<Event> {
  return keepState("options", {
    save: () => options,
    restore: (saved) => {
      for (const [name, before] of Object.entries(saved as typeof options)) {
        const now = options[name];
        if (String(now) === String(before)) continue;
        throw new UsageError(
          `Cannot resume ${path} as --${name} must be what it was, ${before ?? "not given"}: ` +
            `received ${now ?? "none"} (for a new run from its weights use --weights)`,
        );
      }
    },
  });
}

/** A file beside another: `digits.last.safetensors` for `digits.safetensors`. */
export function beside(path: string, word: string): string {
  return path.replace(/(\.[^./\\]*)?$/, `.${word}$1`);
}

/** Says on stderr why a run has failed; gives its exit code: 2 for wrong usage, else 1. */
export function failed(error: unknown): number {
  console.error(error instanceof Error ? error.message : String(error));
  return error instanceof UsageError ? 2 : 1;
}
