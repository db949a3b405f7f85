import { checkCount } from "../nn/check_count.ts";
import { checkScalar } from "../nn/check_scalar.ts";
import { ChoiceEstimator } from "./choice_estimator.ts";
import type { Dimension, ParameterValue } from "./dimension.ts";
import type { Estimator, EstimatorOptions } from "./estimator.ts";
import { ParzenEstimator } from "./parzen_estimator.ts";
import { randomSearch, streamOf } from "./random_search.ts";
import type { Sampler, SamplerRequest } from "./sampler.ts";
import { chooseValues } from "./space.ts";
import type { Direction, TrialRecord } from "./trial.ts";

/** Options of {@link tpe}. */
export interface TpeOptions {
  /** Trials that are to end before the first one that is not chosen at random; default 10. */
  readonly startupTrials?: number;
  /** Values drawn for a parameter, of which the best is taken, from 1; default 24. */
  readonly candidates?: number;
  /** How many of so many trials are good ones; default `min(⌈n / 10⌉, 25)`. */
  readonly gamma?: (trials: number) => number;
  /** Weight of the prior beside the observations' weights, above 0; default 1. */
  readonly priorWeight?: number;
  /** Whether the smallest width of a kernel grows as observations are few; default true. */
  readonly magicClip?: boolean;
  /**
   * Weights of so many observations, the oldest first; by default 1 for the latest 25, and less the
   * older they are before that.
   */
  readonly weights?: (observations: number) => readonly number[];
}

/**
 * Bayesian search: the tree-structured Parzen estimator, with Optuna's defaults.
 *
 * Trials that have ended are parted into few good ones and the rest. For each parameter two densities
 * are made of them, l(x) of the good ones and g(x) of the rest; of 24 values drawn from l the one
 * with the largest l(x) / g(x) is taken, which is the one of the largest expected improvement. Each
 * parameter is chosen by itself, from the trials that have it. Complete trials come before pruned
 * ones, and of these the ones that came further; failed trials teach nothing.
 *
 * @param options How trials are parted, and densities made.
 * @returns The sampler.
 * @throws {RangeError} when an option is out of range.
 *
 * @example
 * ```ts
 * import { float, search, tpe } from "@millrace/millrace";
 * import { filter, lastValueFrom, of } from "rxjs";
 * import assert from "node:assert/strict";
 *
 * const parabola = ({ x }: { x: number }) => of({ epoch: 1, logs: { loss: (x - 3) ** 2 } });
 * const options = { sampler: tpe(), trials: 60, monitor: "loss", seed: 1 };
 * const trials = search({ x: float(-10, 10) }, parabola, options);
 * const { parameters } = await lastValueFrom(trials.pipe(filter(({ best }) => best)));
 * assert.ok(Math.abs(parameters.x - 3) < 0.5);
 * ```
 *
 * Source: J. Bergstra, R. Bardenet, Y. Bengio and B. Kégl, "Algorithms for hyper-parameter
 * optimization", 2011; S. Watanabe, "Tree-structured Parzen estimator: understanding its algorithm
 * components", 2023. Optuna 4: `TPESampler(multivariate=False)`. The random numbers are our own.
 */
export function tpe(options: TpeOptions = {}): Sampler {
  const settings = checkOptions(options);
  const atRandom = randomSearch();
  return (space) => (request) => {
    const ended = request.trials.filter(({ state }) => state === "complete" || state === "pruned");
    if (ended.length === 0 || ended.length < settings.startupTrials) {
      return atRandom(space)(request);
    }
    const { good, rest } = partTrials(ended, settings.gamma(ended.length), request.direction);
    return chooseValues(space, (name, dimension) => {
      // A range without width has no density.
      const { range } = dimension;
      if (range.type !== "choice" && range.low === range.high) return range.low;
      const estimate = (trials: readonly TrialRecord[]) =>
        estimatorOf(dimension, observationsOf(name, trials), settings);
      return choose(name, estimate(good), estimate(rest), request, settings.candidates);
    });
  };
}

/** Optuna's share of good trials. */
function defaultGamma(trials: number): number {
  return Math.min(Math.ceil(0.1 * trials), 25);
}

/** Optuna's weights: 1 for the latest 25, and from 1 / n up to 1 for those before them. */
function defaultWeights(observations: number): number[] {
  const ramp = Math.max(observations - 25, 0);
  return Array.from({ length: observations }, (_, place) => {
    if (place >= ramp) return 1;
    const first = 1 / observations;
    return ramp === 1 ? first : first + (1 - first) * place / (ramp - 1);
  });
}

type Settings = Required<TpeOptions> & EstimatorOptions;

function checkOptions(options: TpeOptions): Settings {
  return {
    startupTrials: checkCount("startupTrials of tpe", options.startupTrials ?? 10),
    candidates: checkCount("the candidates of tpe", options.candidates ?? 24, 1),
    gamma: options.gamma ?? defaultGamma,
    priorWeight: checkScalar("priorWeight of tpe", options.priorWeight ?? 1, {
      minimum: Number.MIN_VALUE,
    }),
    magicClip: options.magicClip ?? true,
    weights: options.weights ?? defaultWeights,
  };
}

/**
 * Parts trials that have ended into the good ones and the rest, each in the order of their numbers.
 *
 * @param trials Complete and pruned trials.
 * @param count How many are good.
 * @param direction Where better is.
 */
export function partTrials(
  trials: readonly TrialRecord[],
  count: number,
  direction: Direction,
): { good: TrialRecord[]; rest: TrialRecord[] } {
  const ranked = trials.map((trial) => ({ trial, rank: rankOf(trial, direction) }))
    .sort((a, b) => compareRanks(a.rank, b.rank) || a.trial.number - b.trial.number)
    .map(({ trial }) => trial);
  const byNumber = (part: TrialRecord[]) => part.sort((a, b) => a.number - b.number);
  return { good: byNumber(ranked.slice(0, count)), rest: byNumber(ranked.slice(count)) };
}

/** What a trial is sorted by: complete ones by value, pruned ones by how far they came, then value. */
function rankOf({ state, value, epochs }: TrialRecord, direction: Direction): number[] {
  const score = (number = NaN) =>
    Number.isNaN(number) ? Infinity : direction === "min" ? number : -number;
  if (state === "complete") return [0, 0, score(value)];
  const last = epochs.at(-1);
  return [1, last ? -last.epoch : 1, score(last?.value)];
}

function compareRanks(a: readonly number[], b: readonly number[]): number {
  const place = a.findIndex((each, index) => each !== b[index]);
  return place < 0 ? 0 : a[place] < b[place] ? -1 : 1;
}

function observationsOf(name: string, trials: readonly TrialRecord[]): ParameterValue[] {
  return trials.filter(({ parameters }) => Object.hasOwn(parameters, name))
    .map(({ parameters }) => parameters[name]);
}

function estimatorOf(
  { range }: Dimension<unknown>,
  observed: readonly ParameterValue[],
  options: EstimatorOptions,
): Estimator {
  return range.type === "choice"
    ? new ChoiceEstimator(range, observed, options)
    : new ParzenEstimator(range, observed, options);
}

function choose(
  name: string,
  good: Estimator,
  rest: Estimator,
  { seed, number }: SamplerRequest,
  candidates: number,
): ParameterValue {
  const stream = streamOf(seed, number, name);
  const drawn = Array.from({ length: candidates }, () => good.sample(stream));
  const gains = drawn.map((value) => good.logProbability(value) - rest.logProbability(value));
  return drawn[gains.indexOf(Math.max(...gains))];
}
