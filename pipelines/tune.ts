/**
 * Tunes the network for the MNIST digits: a search is a stream of trials, a trial one of epochs.
 *
 *     deno run pipelines/tune.ts --trials 50 --pruner hyperband
 *     deno run -P pipelines/tune.ts --storage digits.sqlite   # goes on where it was left
 */
import { lastValueFrom, Observable, takeUntil, tap } from "rxjs";
import { listen } from "../core/stream/operators/stop_on_signal.ts";
import {
  gridSearch,
  hyperband,
  medianPruning,
  type Pruner,
  randomSearch,
  type Sampler,
  search,
  successiveHalving,
  tpe,
  type Trial,
} from "../mod.ts";
import { commandLine, file, oneOf, UsageError, wholeNumber } from "./command_line.ts";
import { failed, print } from "./reporting.ts";
import { runOptions } from "./training_options.ts";
import { trialTable } from "./trial_table.ts";
import { digitsModule, digitsObjective, digitsSpace, gridPoints } from "./tuned_digits.ts";

const options = commandLine(
  `
Tunes a network for the MNIST digits; trials go to stdout as JSON lines, a table to stderr.

  deno run pipelines/tune.ts
  deno run pipelines/tune.ts --trials 100 --sampler random --pruner none
  deno run -P pipelines/tune.ts --storage digits.sqlite --parallel 2`,
  {
    "trials": { value: "N", help: "trials in all", default: "20", parse: wholeNumber(1) },
    "sampler": {
      value: "NAME",
      help: "tpe (Bayesian), random or grid",
      default: "tpe",
      parse: oneOf("tpe", "random", "grid"),
    },
    "pruner": {
      value: "NAME",
      help: "median, halving, hyperband or none",
      default: "median",
      parse: oneOf("median", "halving", "hyperband", "none"),
    },
    "epochs": { value: "N", help: "of each trial", default: "5", parse: wholeNumber(1) },
    "batch-size": { value: "N", help: "samples in a step", default: "32", parse: wholeNumber(1) },
    "limit": { value: "N", help: "digits to train on", default: "10000", parse: wholeNumber(1) },
    "validation": {
      value: "N",
      help: "digits to judge by, those that follow in the training set",
      default: "10000",
      parse: wholeNumber(1),
    },
    ...runOptions,
    "parallel": {
      value: "N",
      help: "trials at the same time, from 2 on in Workers, which need -P",
      default: "1",
      parse: wholeNumber(1),
    },
    "storage": { value: "FILE", help: "keep the study there, and go on with it", parse: file },
  },
);

const samplers: Record<typeof options.sampler, () => Sampler> = {
  tpe,
  random: randomSearch,
  grid: () => gridSearch({ points: gridPoints }),
};
const pruners: Record<typeof options.pruner, () => Pruner | undefined> = {
  median: medianPruning,
  halving: successiveHalving,
  hyperband: () => hyperband({ maxResource: options.epochs }),
  none: () => undefined,
};

const monitor = "val_loss";
const space = digitsSpace({ ...options, batchSize: options["batch-size"] });
/** What is searched: not what is the same in all trials. */
const names = Object.entries(space)
  .filter(([, { range }]) => range.type !== "choice" || range.values.length > 1)
  .map(([name]) => name);

const trials: Trial<typeof space>[] = [];
const started = performance.now();

/** A trial in short. */
function summary(trial: Trial<typeof space>) {
  const parameters = Object.fromEntries(
    Object.entries(trial.parameters).filter(([name]) => names.includes(name)),
  );
  return { trial: trial.number, [monitor]: trial.value, parameters };
}

function writeTrial(trial: Trial<typeof space>): void {
  trials.push(trial);
  const { state, epochs, best, seconds, error } = trial;
  const step = epochs.at(-1)?.step ?? 0;
  print("trial", {
    ...summary(trial),
    state,
    epochs: epochs.length,
    step,
    best,
    seconds,
    error,
  });
}

function writeEnd(reason: string, message?: string): void {
  const best = trials.findLast((trial) => trial.best);
  print("end", {
    reason,
    trials: trials.length,
    steps: trials.reduce((sum, { epochs }) => sum + (epochs.at(-1)?.step ?? 0), 0),
    best: best && summary(best),
    seconds: Math.round(performance.now() - started) / 1000,
    message,
  });
  if (trials.length > 0) console.error(trialTable(trials, monitor, names));
  if (best) console.error(`\nThe best is trial ${best.number}: ${JSON.stringify(summary(best))}`);
}

/** The signals that end a process; the exit code tells of each. */
const signals = new Observable<void>((subscriber) => {
  for (const [signal, exitCode] of [["SIGINT", 130], ["SIGTERM", 143]] as const) {
    subscriber.add(listen(signal, () => {
      Deno.exitCode = exitCode;
      subscriber.next();
    }));
  }
});

try {
  const { limit, validation, sampler, pruner, parallel, storage, seed, device, threads } = options;
  const cores = navigator.hardwareConcurrency;
  if (limit + validation > 60_000) {
    throw new UsageError(
      `Options --limit and --validation must not come to more than the 60000 digits: received ` +
        `${limit} and ${validation}`,
    );
  }
  const objective = parallel > 1
    // Threads wait for each other by spinning: those of all Workers must have a core each.
    ? digitsModule({ device, threads: threads ?? Math.max(1, Math.floor(cores / parallel)) })
    : digitsObjective({ device, threads });
  const study = search(space, objective, {
    trials: options.trials,
    sampler: samplers[sampler](),
    pruner: pruners[pruner](),
    monitor,
    parallel,
    storage,
    seed,
  });
  print("start", {
    sampler,
    pruner,
    trials: options.trials,
    samples: { train: limit, validation },
  });
  let reason = "completed";
  const interrupted = signals.pipe(tap(() => reason = "interrupted"));
  await lastValueFrom(study.pipe(tap(writeTrial), takeUntil(interrupted)), { defaultValue: null });
  writeEnd(reason);
} catch (error) {
  Deno.exitCode = failed(error);
  if (Deno.exitCode === 1) writeEnd("error", error instanceof Error ? error.message : `${error}`);
}
