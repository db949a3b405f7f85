import { Observable as Stream, type Subscriber } from "rxjs";
import { received } from "../state/received.ts";
import { checkCount } from "../nn/check_count.ts";
import type { Observable } from "../nn/rxjs_types.ts";
import { monitorDirection, type MonitorMode } from "../stream/operators/monitor.ts";
import type { Pruner } from "./pruner.ts";
import type { Sampler } from "./sampler.ts";
import { Searcher } from "./searcher.ts";
import { checkSpace, describeSpace, type Space } from "./space.ts";
import { Study } from "./study.ts";
import { tpe } from "./tpe.ts";
import type { Objective, Trial } from "./trial.ts";
import { WorkerPool } from "./worker_pool.ts";

/** Options of {@link search}. */
export interface SearchOptions {
  /** Trials in all, from 0, those of the file among them; `Infinity` for no end of its own. */
  readonly trials: number;
  /** How parameters are chosen; default {@link tpe}`()`. */
  readonly sampler?: Sampler;
  /** What ends hopeless trials; default none. */
  readonly pruner?: Pruner;
  /** Name of the log by which trials are judged; default `"val_loss"`. */
  readonly monitor?: string;
  /** Where better is; default `"auto"`, as the log's name tells: no trial has been run yet. */
  readonly mode?: MonitorMode;
  /** What all random numbers come from, a whole number from 0; default that of the file, or 0. */
  readonly seed?: number;
  /** Trials that run at the same time, from 1; default 1. */
  readonly parallel?: number;
  /**
   * SQLite file in which the study is kept, and from which it goes on; default none. Needs
   * `--allow-read` and `--allow-write` for it.
   */
  readonly storage?: string;
}

/**
 * Searches a space of hyperparameters: a stream of trials, each as it ends.
 *
 * The value of a trial is the best number that its epochs have of the monitored log; `best` marks a
 * complete trial that beats all before it, so that the last of `filter(({ best }) => best)` is the best
 * of the search. A trial whose objective throws, or whose stream fails, is `failed` and the search goes
 * on.
 *
 * **Workers.** With a `URL` in the place of the objective each trial runs in a Worker, which imports
 * that module and calls its default export; `parallel` of them work at once. Needs `--allow-read` for
 * the modules. The next epoch waits until the pruner has judged the last one (`hold`). A Worker that
 * crashes fails its trial alone. With a function, `parallel` trials take turns in this thread.
 *
 * **Going on.** With `storage` each epoch and trial is in the file at once. A search of the same space
 * and file first gives the trials that have ended, then runs those that were running, anew, with their
 * numbers and parameters, then new ones: none is lost or repeated, also after `kill -9`.
 *
 * **Repeatable.** With one trial at a time the seed decides all, interrupted or not. Random and grid
 * search choose the same parameters with any number; with `tpe` and with pruners they hang on which
 * trials had ended, so that with several at a time they may differ from run to run.
 *
 * @param space A dimension for each name.
 * @param objective Makes the epochs of a trial; or the address of a module that exports it.
 * @param options How many trials, and how they are chosen, judged and kept.
 * @returns A cold stream of trials. Unsubscribing ends the trials that run; in the file they stay
 * running.
 * @throws {RangeError} when the space or an option is out of range. Down the error channel comes what
 * is wrong with the file, or with the module of the objective.
 *
 * @example
 * ```ts
 * import {
 *   adam, arrays, choice, dense, fit, float, input, integer, meanSquaredError, medianPruning,
 *   search, sequential, sgd, when,
 * } from "@millrace/millrace";
 * import { filter, lastValueFrom } from "rxjs";
 * import assert from "node:assert/strict";
 *
 * const data = arrays([[0, 0], [0, 1], [1, 0], [1, 1]], [[0], [1], [1], [0]]);
 * const space = {
 *   learningRate: float(1e-3, 1, { log: true }),
 *   units: integer(2, 16, { log: true }),
 *   optimizer: choice("sgd", "adam"),
 *   momentum: when({ optimizer: "sgd" }, float(0, 0.99)), // number | undefined
 * };
 * const trials = search(
 *   space,
 *   ({ learningRate, units, optimizer, momentum }, { seed }) =>
 *     fit(
 *       sequential([input([2]), dense(units, { activation: "tanh" }), dense(1)], { seed }),
 *       data,
 *       {
 *         loss: meanSquaredError(),
 *         optimizer: optimizer === "sgd" ? sgd({ learningRate, momentum }) : adam({ learningRate }),
 *         epochs: 20,
 *         device: "cpu",
 *         threads: 1,
 *       },
 *     ),
 *   { trials: 15, monitor: "loss", pruner: medianPruning(), seed: 42 },
 * );
 * const best = await lastValueFrom(trials.pipe(filter((trial) => trial.best)));
 * assert.ok(best.value! < 0.3);
 * ```
 *
 * Optuna: `create_study` and `study.optimize`, whose default pruner is the median one, and whose
 * trials count from 0. Keras Tuner: `BayesianOptimization`, `Hyperband`; `objective` is our `monitor`.
 */
export function search<const S extends Space>(
  space: S,
  objective: Objective<S> | URL,
  options: SearchOptions,
): Observable<Trial<S>> {
  checkSpace(space);
  if (typeof objective !== "function" && !(objective instanceof URL)) {
    throw new TypeError(
      `Cannot search without an objective as it must be a function that gives a trial's epochs, or ` +
        `the URL of a module that exports one: received ${received(objective)}`,
    );
  }
  const { monitor = "val_loss", mode = "auto", sampler = tpe(), pruner, seed } = options;
  const { trials, storage = ":memory:" } = options;
  if (trials !== Infinity) checkCount("the trials of search", trials);
  if (seed !== undefined) checkCount("the seed of search", seed);
  const parallel = checkCount("parallel of search", options.parallel ?? 1, 1);
  const direction = monitorDirection("search", monitor, mode);
  const suggest = sampler(space);
  return new Stream<Trial<S>>((subscriber) => {
    const description = { space: describeSpace(space), monitor, direction, seed };
    const study = new Study(storage, description);
    const pool = objective instanceof URL ? new WorkerPool(objective) : undefined;
    const searcher = new Searcher({
      study,
      // The sampler gives what the space says, which the compiler cannot see.
      objective: (pool?.objective ?? objective) as Objective<Space>,
      suggest,
      pruner,
      monitor,
      direction,
      trials,
      parallel,
    }, subscriber as unknown as Subscriber<Trial>);
    // Trials first: their ends are still written down.
    subscriber.add(() => {
      searcher.stop();
      pool?.[Symbol.dispose]();
      study[Symbol.dispose]();
    });
    searcher.start();
  });
}
