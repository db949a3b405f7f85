import { checkCount } from "../../nn/check_count.ts";
import { checkScalar } from "../../nn/check_scalar.ts";
import { checkMetadata } from "../file_metadata.ts";
import { checkTemplate, isTemplate } from "./file_name.ts";
import { checkMode, type MonitorMode } from "./monitor.ts";

/** Options of {@link checkpoint}. */
export interface CheckpointOptions {
  /** Name of the log that tells which epoch is best; default `"val_loss"`. */
  readonly monitor?: string;
  /** Where better is; default `"auto"`. */
  readonly mode?: MonitorMode;
  /** Whether the best epochs are kept or the last ones; default `"best"`. */
  readonly save?: "best" | "last";
  /**
   * Files that are kept, the best or the last, from 1; `Infinity` for all. Above 1 the path has
   * places for numbers. Default 1.
   */
  readonly keep?: number;
  /** Whether the last epoch is kept as well, as `digits.last.safetensors`; default false. */
  readonly saveLast?: boolean;
  /** Epochs from one save to the next, from 1; default 1 unless there are `everySteps` or seconds. */
  readonly everyEpochs?: number;
  /** Steps from one save to the next, from 1. */
  readonly everySteps?: number;
  /** Seconds from one save to the next, above 0. */
  readonly everySeconds?: number;
  /** Whether a run that fails is saved, as `digits.exception.safetensors`; default false. */
  readonly onException?: boolean;
  /** The first epoch must beat this to be saved, such as the best of an earlier run; default none. */
  readonly initialValueThreshold?: number;
  /** Whether files hold the weights alone, so that no run can be resumed from them; default false. */
  readonly weightsOnly?: boolean;
  /**
   * Texts to keep in each file, by key: the model's definition, the JSON of what prepares its inputs,
   * so that the file is enough to predict from. Read them with {@link readWeightsMetadata}.
   */
  readonly metadata?: Readonly<Record<string, string>>;
}

/** Options that were checked. */
export interface CheckpointRule {
  readonly monitor: string;
  readonly mode: MonitorMode;
  readonly save: "best" | "last";
  readonly keep: number;
  readonly saveLast: boolean;
  readonly every: { readonly epochs: number; readonly steps: number; readonly seconds: number };
  readonly onException: boolean;
  readonly threshold: number | undefined;
  readonly weightsOnly: boolean;
  readonly metadata: Readonly<Record<string, string>>;
}

/** Checks the options of `checkpoint`. */
export function checkpointRule(path: string, options: CheckpointOptions): CheckpointRule {
  const { monitor = "val_loss", mode = "auto", save = "best", keep = 1 } = options;
  const { initialValueThreshold: threshold } = options;
  checkTemplate(path);
  checkMode("checkpoint", mode);
  if (save !== "best" && save !== "last") {
    throw new RangeError(
      `Cannot use checkpoint as save must be "best" or "last": received ${JSON.stringify(save)}`,
    );
  }
  if (keep !== Infinity) checkCount("keep of checkpoint", keep, 1);
  if (keep > 1 && !isTemplate(path)) {
    throw new RangeError(
      `Cannot keep ${keep} checkpoints as their path must have a place for a number, such as ` +
        `"digits-{epoch}.safetensors": received "${path}"`,
    );
  }
  if (threshold !== undefined) checkScalar("initialValueThreshold of checkpoint", threshold);
  return {
    monitor,
    mode,
    save,
    keep,
    saveLast: options.saveLast ?? false,
    every: checkEvery(options),
    onException: options.onException ?? false,
    threshold,
    weightsOnly: options.weightsOnly ?? false,
    metadata: checkMetadata("checkpoint", options.metadata),
  };
}

function checkEvery(options: CheckpointOptions): CheckpointRule["every"] {
  const { everyEpochs, everySteps, everySeconds } = options;
  const given = Object.entries({ everyEpochs, everySteps, everySeconds })
    .filter(([, value]) => value !== undefined).map(([name]) => name);
  if (given.length > 1) {
    throw new RangeError(
      `Cannot use checkpoint as at most one of everyEpochs, everySteps and everySeconds must be ` +
        `given: received ${given.join(", ")}`,
    );
  }
  if (everyEpochs !== undefined) checkCount("everyEpochs of checkpoint", everyEpochs, 1);
  if (everySteps !== undefined) checkCount("everySteps of checkpoint", everySteps, 1);
  if (everySeconds !== undefined) {
    checkScalar("everySeconds of checkpoint", everySeconds, { minimum: Number.MIN_VALUE });
  }
  return {
    epochs: everyEpochs ?? (given.length === 0 ? 1 : 0),
    steps: everySteps ?? 0,
    seconds: everySeconds ?? 0,
  };
}
