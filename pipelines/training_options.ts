import {
  adam,
  adamw,
  type DataSet,
  type Inputs,
  oneCycle,
  type Optimizer,
  rmsprop,
  type ScalarSource,
  sgd,
  takeFirst,
  type Targets,
} from "../mod.ts";
import {
  type DefaultBy,
  file,
  flag,
  number,
  oneOf,
  type OptionDefinition,
  wholeNumber,
} from "./command_line.ts";

/** Devices that a command can name. */
const deviceNames = ["auto", "cpu", "webgpu", "reference"] as const;

/** Optimizers that a command can name. */
const optimizerNames = ["sgd", "rmsprop", "adam", "adamw"] as const;

/** Ways of the learning rate that a command can name. */
const scheduleNames = ["constant", "oneCycle"] as const;

/** How a network is trained unless a command says otherwise. */
export interface Recipe {
  /** Passes over the data. */
  readonly epochs: number;
  /** Samples in a step. */
  readonly batchSize: number;
  /** The optimizer's name. */
  readonly optimizer: typeof optimizerNames[number];
  /** The learning rate, or the largest one of a schedule. */
  readonly learningRate: number;
  /** How the learning rate goes. */
  readonly schedule: typeof scheduleNames[number];
}

/** What most networks are trained by. */
export const commonRecipe: Recipe = {
  epochs: 10,
  batchSize: 32,
  optimizer: "adam",
  learningRate: 0.001,
  schedule: "constant",
};

/** Where numbers come from and where a run computes: options that every training has. */
export const runOptions = {
  "seed": {
    value: "N",
    help: "of weights, shuffles and masks",
    default: "42",
    parse: wholeNumber(0, 2 ** 32 - 1),
  },
  "device": {
    value: "NAME",
    help: "auto, cpu, webgpu or reference",
    default: "auto",
    parse: oneOf(...deviceNames),
  },
  "threads": { value: "N", help: "of the CPU; all unless given", parse: wholeNumber(1) },
};

/** What {@link trainingOptions} must know of a pipeline beside its recipe. */
export interface Pipeline {
  /** What a sample is called, as `mails`; default `samples`. */
  readonly samples?: string;
  /** Worse epochs after which training stops unless a command says otherwise; default never. */
  readonly patience?: number;
  /** Whether it trains more than one network; default false. */
  readonly several?: boolean;
  /** Samples to train on unless a command says otherwise; default all. */
  readonly limit?: number;
  /** The device unless a command says otherwise; default `auto`. */
  readonly device?: typeof deviceNames[number];
  /** The fewest that there can be; default 1. */
  readonly least?: number;
}

/**
 * The options of every training, for a command's table.
 *
 * @param recipe The defaults, or what gives them by another option.
 * @param pipeline Words and defaults of this pipeline.
 */
export function trainingOptions(
  recipe: Recipe | ((name: keyof Recipe) => DefaultBy),
  { samples = "samples", patience, limit, least = 1, device = "auto", several = false }: Pipeline =
    {},
) {
  const defaultOf = (name: keyof Recipe) =>
    typeof recipe === "function" ? recipe(name) : String(recipe[name]);
  return {
    "epochs": {
      value: "N",
      help: "passes over the data",
      default: defaultOf("epochs"),
      parse: wholeNumber(0),
    },
    "batch-size": {
      value: "N",
      help: `${samples} in a step`,
      default: defaultOf("batchSize"),
      parse: wholeNumber(1),
    },
    "optimizer": {
      value: "NAME",
      help: optimizerNames.join(", "),
      default: defaultOf("optimizer"),
      parse: oneOf(...optimizerNames),
    },
    "learning-rate": {
      value: "X",
      help: "of the optimizer",
      default: defaultOf("learningRate"),
      parse: number(0),
    },
    "schedule": {
      value: "NAME",
      help: `of the rate: ${scheduleNames.join(", ")}`,
      default: defaultOf("schedule"),
      parse: oneOf(...scheduleNames),
    },
    "momentum": { value: "X", help: "of sgd or rmsprop; 0 unless given", parse: number(0, 1) },
    "patience": optional("N", "stop after so many worse epochs", wholeNumber(0), patience),
    ...runOptions,
    "device": { ...runOptions.device, default: device },
    "limit": optional("N", `train on N ${samples}`, wholeNumber(least), limit),
    "log-every": {
      value: "N",
      help: "steps between step lines; 0 for none",
      default: "0",
      parse: wholeNumber(0),
    },
    "profile": {
      value: "",
      help: "print where the time of a step goes, as a table on stderr",
      parse: flag,
    },
    "trace": {
      value: "FILE",
      help: "the same as a trace for chrome://tracing and Perfetto",
      parse: file,
    },
    "tensor-board": {
      value: "DIR",
      help: "write event files for TensorBoard there; steps by --log-every",
      parse: file,
    },
    "checkpoint": {
      value: "FILE",
      help: `keep the best epoch there${
        several ? ", and those of the other networks beside it" : ""
      }`,
      parse: file,
    },
    "checkpoint-every": {
      value: "N",
      help: "also save the run every N steps, as FILE's name with .last",
      parse: wholeNumber(1),
    },
    "resume": {
      value: "FILE",
      help: "go on from a checkpoint, with the same options",
      parse: file,
    },
  };
}

/** An option that has a default in some pipelines. */
function optional(
  value: string,
  help: string,
  parse: (text: string) => number,
  preset: number | undefined,
): OptionDefinition<number> {
  return { value, help, parse, ...(preset !== undefined && { default: String(preset) }) };
}

/** A table without some of its options. */
export function without<Table, Name extends keyof Table>(
  table: Table,
  ...names: readonly Name[]
): Omit<Table, Name> {
  const left = { ...table };
  for (const name of names) delete left[name];
  return left;
}

/** What a command has said of a training. */
export interface TrainingOptions {
  readonly epochs: number;
  readonly "batch-size"?: number;
  readonly optimizer: typeof optimizerNames[number];
  readonly "learning-rate": number;
  readonly schedule: typeof scheduleNames[number];
  readonly momentum?: number;
  readonly patience?: number;
  readonly seed: number;
  readonly device: typeof deviceNames[number];
  readonly threads?: number;
  readonly limit?: number;
  readonly "log-every": number;
  readonly profile?: boolean;
  readonly trace?: string;
  readonly "tensor-board"?: string;
  readonly checkpoint?: string;
  readonly "checkpoint-every"?: number;
  readonly resume?: string;
}

/** The samples that `--limit` leaves. */
export function limited<X extends Inputs, Y extends Targets>(
  data: DataSet<X, Y>,
  { limit }: Pick<TrainingOptions, "limit">,
): DataSet<X, Y> {
  return limit === undefined ? data : takeFirst(data, limit);
}

/** The optimizer of that name; momentum is for those that have one. */
export function optimizerOf(
  name: typeof optimizerNames[number],
  { learningRate, momentum = 0 }: { learningRate: ScalarSource; momentum?: number },
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

/**
 * The learning rate of a schedule.
 *
 * @param name The schedule's name.
 * @param rate The rate, or the largest one.
 * @param totalSteps Steps of the whole run.
 */
export function scheduleOf(
  name: typeof scheduleNames[number],
  rate: number,
  totalSteps: number,
): ScalarSource {
  if (name === "constant") return rate;
  return oneCycle({ maxLearningRate: rate, totalSteps: Math.max(2, totalSteps), pctStart: 0.2 });
}
