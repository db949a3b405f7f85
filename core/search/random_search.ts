import { foldKey } from "../state/fold_key.ts";
import { RandomStream } from "../state/random_stream.ts";
import type { Sampler } from "./sampler.ts";
import { chooseValues } from "./space.ts";

/**
 * Chooses parameters at random, each value of a dimension as likely as the others (by its logarithm
 * with `log`).
 *
 * The parameters of a trial depend on the seed, the trial's number and the dimension's name alone: a
 * new dimension does not change the others, nor does what other trials came to.
 *
 * @returns The sampler.
 *
 * @example
 * ```ts
 * import { integer, randomSearch } from "@millrace/millrace";
 * import assert from "node:assert/strict";
 *
 * const suggest = randomSearch()({ units: integer(8, 128) });
 * const first = suggest({ number: 1, seed: 42, direction: "min", trials: [] });
 * assert.deepEqual(suggest({ number: 1, seed: 42, direction: "min", trials: [] }), first);
 * ```
 *
 * Source: J. Bergstra and Y. Bengio, "Random search for hyper-parameter optimization", 2012. Optuna:
 * `RandomSampler`. Keras Tuner: `RandomSearch`.
 */
export function randomSearch(): Sampler {
  return (space) => ({ seed, number }) =>
    chooseValues(space, (name, dimension) => dimension.at(streamOf(seed, number, name).uniform()));
}

/** The random numbers for one parameter of one trial. */
export function streamOf(seed: number, number: number, name: string): RandomStream {
  return new RandomStream(foldKey(seed, "search", number, name));
}
