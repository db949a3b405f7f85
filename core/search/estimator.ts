import type { RandomStream } from "../state/random_stream.ts";
import type { ParameterValue } from "./dimension.ts";

/** A distribution over the values of a dimension, made from values that were observed. */
export interface Estimator {
  /** Draws a value. */
  sample(stream: RandomStream): ParameterValue;
  /** Logarithm of a value's probability; for numbers without steps, of the density by their spread. */
  logProbability(value: ParameterValue): number;
}

/** How estimators are made. */
export interface EstimatorOptions {
  /** Weight of the prior beside the observations' weights, above 0. */
  readonly priorWeight: number;
  /** Whether the smallest width of a kernel grows as observations are few. */
  readonly magicClip: boolean;
  /** Weights of so many observations, the oldest first. */
  readonly weights: (observations: number) => readonly number[];
}

/** Weights of observations and, last, of the prior; their sum is 1. */
export function mixtureWeights(count: number, options: EstimatorOptions): number[] {
  const observed = options.weights(count);
  if (observed.length !== count || !observed.every((weight) => weight >= 0 && weight < Infinity)) {
    throw new RangeError(
      `Cannot use the weights of tpe as there must be ${count} of them, each at least 0: received ` +
        JSON.stringify(observed),
    );
  }
  const all = [...observed, options.priorWeight];
  const sum = all.reduce((total, weight) => total + weight, 0);
  return all.map((weight) => weight / sum);
}

/** A place drawn by probabilities whose sum is 1. */
export function drawPlace(probabilities: readonly number[], stream: RandomStream): number {
  let rest = stream.uniform();
  const place = probabilities.findIndex((probability) => (rest -= probability) < 0);
  return place < 0 ? probabilities.length - 1 : place;
}
