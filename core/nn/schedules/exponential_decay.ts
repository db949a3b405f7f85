import { checkScalar } from "../check_scalar.ts";
import { checkCount } from "../check_count.ts";
import type { Schedule } from "./schedule.ts";

/** Options of {@link exponentialDecay}. */
export interface ExponentialDecayOptions {
  /** First number, at least 0. */
  readonly initialLearningRate: number;
  /** Iterations over which the number falls by `decayRate`, a whole number from 1. */
  readonly decaySteps: number;
  /** Factor, at least 0. */
  readonly decayRate: number;
  /** Whether it falls in steps rather than smoothly; default false. */
  readonly staircase?: boolean;
}

/**
 * A number that falls by a factor over every so many iterations.
 *
 * initialLearningRate · decayRate ^ (iteration / decaySteps), the exponent rounded down when
 * `staircase` is true.
 *
 * @param options First number, iterations, factor.
 * @returns A schedule.
 * @throws {RangeError} when an option is out of its range.
 *
 * @example
 * ```ts
 * import { exponentialDecay } from "@millrace/millrace";
 * import assert from "node:assert/strict";
 *
 * const rate = exponentialDecay({ initialLearningRate: 0.1, decaySteps: 10, decayRate: 0.25 });
 * assert.deepEqual([0, 5, 10].map(rate), [0.1, 0.05, 0.025]);
 * ```
 *
 * Keras: `ExponentialDecay`.
 */
export function exponentialDecay(options: ExponentialDecayOptions): Schedule {
  const { initialLearningRate, decaySteps, decayRate, staircase = false } = options ??
    ({} as ExponentialDecayOptions);
  checkScalar("the initialLearningRate of exponentialDecay", initialLearningRate, { minimum: 0 });
  checkCount("the decaySteps of exponentialDecay", decaySteps, 1);
  checkScalar("the decayRate of exponentialDecay", decayRate, { minimum: 0 });
  return (iteration) => {
    const exponent = iteration / decaySteps;
    return initialLearningRate * decayRate ** (staircase ? Math.floor(exponent) : exponent);
  };
}
