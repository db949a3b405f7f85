import { checkScalar } from "../check_scalar.ts";
import type { Initializer } from "../initializer.ts";
import { drawValues, truncatedStandardNormal } from "./draw.ts";

/** Options of {@link randomNormal} and {@link truncatedNormal}. */
export interface RandomNormalOptions {
  /** Mean; default 0. */
  readonly mean?: number;
  /** Standard deviation, at least 0; default 0.05. */
  readonly standardDeviation?: number;
}

/**
 * Weights from a normal distribution.
 *
 * @param options Mean and standard deviation.
 * @returns An initializer.
 * @throws {RangeError} when an option is not finite or the deviation is negative.
 *
 * @example
 * ```ts
 * import { namedKey, randomNormal } from "@millrace/millrace";
 * import assert from "node:assert/strict";
 *
 * const values = randomNormal().values([1000], namedKey(1, "kernel"));
 * const mean = values.reduce((sum, value) => sum + value) / 1000;
 * assert(Math.abs(mean) < 0.01);
 * ```
 *
 * Keras: `RandomNormal(mean, stddev)`; the seed is the model's.
 */
export function randomNormal(options: RandomNormalOptions = {}): Initializer {
  const { mean, deviation } = read("randomNormal", options);
  return {
    name: "randomNormal",
    config: { ...options },
    values: (shape, key) => drawValues(shape, key, (stream) => mean + deviation * stream.normal()),
  };
}

/**
 * Weights from a normal distribution, those further than two standard deviations drawn again.
 *
 * @param options Mean, and the standard deviation before truncation (what is left has 0.8796 of it).
 * @returns An initializer.
 * @throws {RangeError} when an option is not finite or the deviation is negative.
 *
 * @example
 * ```ts
 * import { namedKey, truncatedNormal } from "@millrace/millrace";
 * import assert from "node:assert/strict";
 *
 * const values = truncatedNormal().values([1000], namedKey(1, "kernel"));
 * assert(values.every((value) => Math.abs(value) <= 0.1));
 * ```
 *
 * Keras: `TruncatedNormal(mean, stddev)`; the seed is the model's.
 */
export function truncatedNormal(options: RandomNormalOptions = {}): Initializer {
  const { mean, deviation } = read("truncatedNormal", options);
  return {
    name: "truncatedNormal",
    config: { ...options },
    values: (shape, key) =>
      drawValues(shape, key, (stream) => mean + deviation * truncatedStandardNormal(stream)),
  };
}

function read(name: string, options: RandomNormalOptions): { mean: number; deviation: number } {
  const { mean = 0, standardDeviation = 0.05 } = options;
  checkScalar(`the mean of ${name}`, mean);
  checkScalar(`the standardDeviation of ${name}`, standardDeviation, { minimum: 0 });
  return { mean, deviation: standardDeviation };
}
