import type { Observable } from "rxjs";
import { adam, adamw, type Optimizer, rmsprop, type ScalarSource, sgd } from "../mod.ts";
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

/** An operator that changes nothing, in the place of one that was not asked for. */
export function identity<Value>(source: Observable<Value>): Observable<Value> {
  return source;
}

/** Says on stderr why a run has failed; gives its exit code: 2 for wrong usage, else 1. */
export function failed(error: unknown): number {
  console.error(error instanceof Error ? error.message : String(error));
  return error instanceof UsageError ? 2 : 1;
}
