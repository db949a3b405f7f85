import { checkCount } from "../check_count.ts";
import { checkScalar } from "../check_scalar.ts";
import type { Schedule } from "./schedule.ts";

/** Options of {@link polynomialDecay}. */
export interface PolynomialDecayOptions {
  /** First number, at least 0. */
  readonly initialLearningRate: number;
  /** Iterations of the decay, a whole number from 1. */
  readonly decaySteps: number;
  /** Last number, at least 0; default 1e-4. */
  readonly endLearningRate?: number;
  /** Power, above 0; default 1, a line. */
  readonly power?: number;
  /** Whether it starts again, over twice, thrice … the iterations; default false. */
  readonly cycle?: boolean;
}

/**
 * A number that falls along a power of the part that is left, in a line by default.
 *
 * (initial − end) · (1 − iteration / decaySteps) ^ power + end, and the end value afterwards; with
 * `cycle`, decaySteps · ⌈iteration / decaySteps⌉ takes the place of decaySteps.
 *
 * @param options First and last number, iterations, power, cycle.
 * @returns A schedule.
 * @throws {RangeError} when an option is out of its range.
 *
 * @example
 * ```ts
 * import { polynomialDecay } from "@millrace/millrace";
 * import assert from "node:assert/strict";
 *
 * const options = { initialLearningRate: 1, decaySteps: 10, endLearningRate: 0, power: 2 };
 * assert.deepEqual([0, 5, 10, 99].map(polynomialDecay(options)), [1, 0.25, 0, 0]);
 * ```
 *
 * Source: Keras's `PolynomialDecay`. PyTorch: `PolynomialLR`, which ends at 0.
 */
export function polynomialDecay(options: PolynomialDecayOptions): Schedule {
  const { initialLearningRate, decaySteps, endLearningRate = 1e-4 } = options ??
    ({} as PolynomialDecayOptions);
  const { power = 1, cycle = false } = options ?? ({} as PolynomialDecayOptions);
  checkScalar("the initialLearningRate of polynomialDecay", initialLearningRate, { minimum: 0 });
  checkCount("the decaySteps of polynomialDecay", decaySteps, 1);
  checkScalar("the endLearningRate of polynomialDecay", endLearningRate, { minimum: 0 });
  checkScalar("the power of polynomialDecay", power, { minimum: Number.MIN_VALUE });
  return (iteration) => {
    const steps = cycle ? decaySteps * Math.max(1, Math.ceil(iteration / decaySteps)) : decaySteps;
    const left = 1 - Math.min(iteration, steps) / steps;
    return (initialLearningRate - endLearningRate) * left ** power + endLearningRate;
  };
}
