import { checkCount } from "../nn/check_count.ts";
import { foldKey } from "../state/fold_key.ts";
import { RandomStream } from "../state/random_stream.ts";
import type { PrunedTrial, PruningOperator } from "./pruner.ts";
import { halve } from "./successive_halving.ts";

/** Options of {@link hyperband}. */
export interface HyperbandOptions {
  /** Epochs of a trial that is not pruned, from 1. */
  readonly maxResource: number;
  /** Epochs that every trial gets, from 1; default 1. */
  readonly minResource?: number;
  /** Of so many trials one goes on, which then gets so many times the epochs; from 2, default 3. */
  readonly reductionFactor?: number;
}

/**
 * Prunes by Hyperband: several brackets of successive halving, from one that halves from the first
 * epochs on to one that leaves all to the end, so that no one has to know how soon numbers tell trials
 * apart. Nothing is judged at the last epoch, `maxResource`.
 *
 * There are `⌊log(maxResource / minResource) / log(reductionFactor)⌋ + 1` brackets; the one that leaves
 * out s rungs gets a share of trials in proportion to `⌈B · factor^(B − 1 − s) / (B − s)⌉`, for B
 * brackets, and trials compete within their bracket. A trial's bracket is drawn by the study's seed and
 * the trial's number.
 *
 * @param options The epochs of a whole trial, and where rungs stand.
 * @returns The pruner: for a trial, an operator on its epochs.
 * @throws {RangeError} when an option is out of range.
 *
 * @example
 * ```ts
 * import { float, hyperband, search } from "@millrace/millrace";
 * import { from, lastValueFrom, toArray } from "rxjs";
 * import assert from "node:assert/strict";
 *
 * const objective = ({ x }: { x: number }) =>
 *   from(Array.from({ length: 9 }, (_, i) => ({ epoch: i + 1, logs: { loss: x + 1 / (i + 1) } })));
 * const options = { trials: 30, monitor: "loss", seed: 1, pruner: hyperband({ maxResource: 9 }) };
 * const trials = await lastValueFrom(search({ x: float(0, 1) }, objective, options).pipe(toArray()));
 * const lengths = new Set(trials.map(({ epochs }) => epochs.length));
 * assert.deepEqual([...lengths].sort(), [1, 3, 9]);
 * ```
 *
 * Source: L. Li and others, "Hyperband: a novel bandit-based approach to hyperparameter optimization",
 * 2018. Optuna: `HyperbandPruner`, which hides the trials of other brackets from the sampler as well;
 * here the sampler sees all.
 */
export function hyperband(options: HyperbandOptions): (trial: PrunedTrial) => PruningOperator {
  const most = checkCount("maxResource of hyperband", options.maxResource, 1);
  const least = checkCount("minResource of hyperband", options.minResource ?? 1, 1);
  const factor = checkCount("reductionFactor of hyperband", options.reductionFactor ?? 3, 2);
  if (least > most) {
    throw new RangeError(
      `Cannot use hyperband as minResource must be at most maxResource: received ${least} and ` +
        `${most}`,
    );
  }
  const shares = bracketShares(least, most, factor);
  return (trial) => {
    const bracket = bracketOf(trial.number, trial.seed, shares);
    return halve(
      "hyperband",
      trial,
      { least, factor, most, rate: bracket },
      (other) => bracketOf(other.number, trial.seed, shares) === bracket,
    );
  };
}

/** Trials of each bracket, by the number of rungs that it leaves out. */
export function bracketShares(least: number, most: number, factor: number): number[] {
  // By multiplication, as log(243) / log(3) is 4.999999999999999.
  let count = 1;
  while (least * factor ** count <= most) count++;
  return Array.from({ length: count }, (_, rate) => {
    const rungs = count - 1 - rate;
    return Math.ceil(count * factor ** rungs / (rungs + 1));
  });
}

function bracketOf(number: number, seed: number, shares: readonly number[]): number {
  const total = shares.reduce((sum, share) => sum + share, 0);
  let rest = new RandomStream(foldKey(seed, "bracket", number)).below(total);
  return shares.findIndex((share) => (rest -= share) < 0);
}
