/**
 * Bayesian search with median pruning against random search, on the digit network, at the same number
 * of training steps: the search of `pipelines/tune.ts`, once for each seed.
 *
 *     deno run tests/bench/search.ts --seeds 10
 *
 * Random search runs its trials to the end; Bayesian search gets as many steps as they took, and what
 * its last trial takes beyond that does not count. One line of JSON a study, the medians at the end;
 * exit code 1 if the Bayesian median is not the lower one.
 */
import { lastValueFrom, scan, takeWhile } from "rxjs";
import {
  medianPruning,
  randomSearch,
  search,
  type SearchOptions,
  tpe,
  type Trial,
} from "../../mod.ts";
import { commandLine, wholeNumber } from "../../pipelines/command_line.ts";
import { digitsObjective, digitsSpace } from "../../pipelines/tuned_digits.ts";
import { median } from "./statistics.ts";

const options = commandLine("Compares Bayesian search and pruning with random search.", {
  "seeds": { value: "N", help: "studies of each kind", default: "10", parse: wholeNumber(1) },
  "first": { value: "N", help: "the first seed", default: "0", parse: wholeNumber(0) },
  "trials": { value: "N", help: "of random search", default: "30", parse: wholeNumber(1) },
  "epochs": { value: "N", help: "of each trial", default: "5", parse: wholeNumber(1) },
  "threads": { value: "N", help: "of the CPU", default: "1", parse: wholeNumber(1) },
});

const { epochs, threads } = options;
const space = digitsSpace({ limit: 10_000, validation: 10_000, batchSize: 32, epochs });
const objective = digitsObjective({ device: "cpu", threads });
/** Of all trials of random search: 313 steps an epoch. */
const budget = options.trials * epochs * Math.ceil(10_000 / 32);

/** What a study had come to after a trial. */
interface Standing {
  readonly trials: number;
  readonly pruned: number;
  readonly failed: number;
  readonly steps: number;
  readonly best: number;
}

const nothing: Standing = { trials: 0, pruned: 0, failed: 0, steps: 0, best: Infinity };

function add(before: Standing, { state, best, value, epochs }: Trial<typeof space>): Standing {
  return {
    trials: before.trials + 1,
    pruned: before.pruned + (state === "pruned" ? 1 : 0),
    failed: before.failed + (state === "failed" ? 1 : 0),
    steps: before.steps + (epochs.at(-1)?.step ?? 0),
    best: best ? value! : before.best,
  };
}

async function run(kind: string, seed: number, how: Partial<SearchOptions>): Promise<Standing> {
  const started = performance.now();
  const within = await lastValueFrom(
    search(space, objective, { trials: Infinity, seed, ...how }).pipe(
      scan(add, nothing),
      takeWhile(({ steps }) => steps <= budget),
    ),
  );
  const seconds = Math.round((performance.now() - started) / 1000);
  console.log(JSON.stringify({ event: "study", kind, seed, ...within, seconds }));
  return within;
}

const bests: Record<"bayes" | "random", number[]> = { bayes: [], random: [] };
for (let seed = options.first; seed < options.first + options.seeds; seed++) {
  const [bayes, random] = [
    await run("bayes", seed, { sampler: tpe(), pruner: medianPruning() }),
    await run("random", seed, { sampler: randomSearch(), trials: options.trials }),
  ];
  bests.bayes.push(bayes.best);
  bests.random.push(random.best);
}
const medians = { bayes: median(bests.bayes), random: median(bests.random) };
const better = bests.bayes.filter((best, place) => best < bests.random[place]).length;
console.log(JSON.stringify({ event: "end", steps: budget, medians, better, seeds: options.seeds }));
if (!(medians.bayes < medians.random)) Deno.exitCode = 1;
