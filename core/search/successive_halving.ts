import { checkCount } from "../nn/check_count.ts";
import { type PrunedTrial, pruneWhen, type PruningOperator } from "./pruner.ts";
import { isBetter, type TrialRecord } from "./trial.ts";

/** Options of {@link successiveHalving}. */
export interface SuccessiveHalvingOptions {
  /** Epochs that every trial gets, from 1; default 1. */
  readonly minResource?: number;
  /** Of so many trials one goes on, which then gets so many times the epochs; from 2, default 3. */
  readonly reductionFactor?: number;
  /** Rungs left out at the start, from 0; default 0. */
  readonly minEarlyStoppingRate?: number;
}

/**
 * Prunes by successive halving: rung k stands at epoch `minResource · reductionFactor^(rate + k)`, and
 * a trial goes on from it only if it is among the best `1 / reductionFactor` of all that have reached
 * it so far, itself among them.
 *
 * It is the asynchronous form: no trial waits for others, so that the first at a rung goes on whatever
 * it is worth. While fewer than `reductionFactor` have come, the best one goes on. A trial that has NaN
 * at a rung is pruned.
 *
 * @param options Where the rungs stand.
 * @returns The pruner: for a trial, an operator on its epochs.
 * @throws {RangeError} when an option is out of range.
 *
 * @example
 * ```ts
 * import { float, search, successiveHalving } from "@millrace/millrace";
 * import { from, lastValueFrom, toArray } from "rxjs";
 * import assert from "node:assert/strict";
 *
 * const objective = ({ x }: { x: number }) =>
 *   from([1, 2, 3, 4].map((epoch) => ({ epoch, logs: { loss: x + 1 / epoch } })));
 * const options = { trials: 20, monitor: "loss", seed: 1, pruner: successiveHalving() };
 * const trials = await lastValueFrom(search({ x: float(0, 1) }, objective, options).pipe(toArray()));
 * assert.ok(trials.some(({ state, epochs }) => state === "pruned" && epochs.length === 1));
 * assert.ok(trials.some(({ state }) => state === "complete"));
 * ```
 *
 * Source: L. Li and others, "A system for massively parallel hyperparameter tuning", 2020 (ASHA).
 * Optuna: `SuccessiveHalvingPruner`, which does not continue trials either once they are pruned. Its
 * factor is 4 by default; here it is 3, as in Optuna's and the paper's Hyperband.
 */
export function successiveHalving(
  options: SuccessiveHalvingOptions = {},
): (trial: PrunedTrial) => PruningOperator {
  const least = checkCount("minResource of successiveHalving", options.minResource ?? 1, 1);
  const factor = checkCount(
    "reductionFactor of successiveHalving",
    options.reductionFactor ?? 3,
    2,
  );
  const rate = checkCount(
    "minEarlyStoppingRate of successiveHalving",
    options.minEarlyStoppingRate ?? 0,
  );
  return (trial) =>
    halve("successiveHalving", trial, { least, factor, rate, most: Infinity }, () => true);
}

/** Where rungs stand: at epochs `least · factor^(rate + k)`, and below `most`. */
export interface Rungs {
  /** Epochs up to the first rung of rate 0. */
  readonly least: number;
  /** From one rung to the next. */
  readonly factor: number;
  /** Rungs left out. */
  readonly rate: number;
  /** Where trials end by themselves. */
  readonly most: number;
}

/**
 * The operator of successive halving among some of a study's trials.
 *
 * @param name The pruner, for messages.
 * @param trial The trial and its study.
 * @param rungs Where rungs stand.
 * @param competes Whether another trial is compared with this one.
 */
export function halve(
  name: string,
  trial: PrunedTrial,
  { least, factor, rate, most }: Rungs,
  competes: (other: TrialRecord) => boolean,
): PruningOperator {
  return pruneWhen(name, trial, ({ epoch, previous, value }) => {
    for (let rung = 0;; rung++) {
      const resource = least * factor ** (rate + rung);
      if (epoch < resource || resource >= most) return false;
      if (previous >= resource) continue;
      if (Number.isNaN(value)) return true;
      const others = trial.trials()
        .filter((other) => other.number !== trial.number && competes(other))
        .flatMap((other) => valueAt(resource, other) ?? []);
      const better = others.filter((other) => isBetter(other, value, trial.direction)).length;
      if (better >= Math.max(Math.floor((others.length + 1) / factor), 1)) return true;
    }
  });
}

/** What a trial came to at a rung: the number of the first epoch there. */
function valueAt(resource: number, { epochs }: TrialRecord): number | undefined {
  const value = epochs.find(({ epoch }) => epoch >= resource)?.value;
  return Number.isNaN(value) ? undefined : value;
}
