import { checkCount } from "../check_count.ts";
import { checkScalar } from "../check_scalar.ts";
import type { Schedule } from "./schedule.ts";

/** Options of {@link inverseTimeDecay}. */
export interface InverseTimeDecayOptions {
  /** First number, at least 0. */
  readonly initialLearningRate: number;
  /** Iterations over which the divisor grows by `decayRate`, a whole number from 1. */
  readonly decaySteps: number;
  /** Growth of the divisor, at least 0. */
  readonly decayRate: number;
  /** Whether it falls in steps rather than smoothly; default false. */
  readonly staircase?: boolean;
}

/**
 * A number divided by the time that has passed.
 *
 * initialLearningRate / (1 + decayRate · iteration / decaySteps), the quotient rounded down when
 * `staircase` is true.
 *
 * @param options First number, iterations, rate.
 * @returns A schedule.
 * @throws {RangeError} when an option is out of its range.
 *
 * @example
 * ```ts
 * import { inverseTimeDecay } from "@millrace/millrace";
 * import assert from "node:assert/strict";
 *
 * const rate = inverseTimeDecay({ initialLearningRate: 1, decaySteps: 10, decayRate: 1 });
 * assert.deepEqual([0, 10, 30].map(rate), [1, 0.5, 0.25]);
 * ```
 *
 * Source: Keras's `InverseTimeDecay`. PyTorch: `LambdaLR`.
 */
export function inverseTimeDecay(options: InverseTimeDecayOptions): Schedule {
  const { initialLearningRate, decaySteps, decayRate, staircase = false } = options ??
    ({} as InverseTimeDecayOptions);
  checkScalar("the initialLearningRate of inverseTimeDecay", initialLearningRate, { minimum: 0 });
  checkCount("the decaySteps of inverseTimeDecay", decaySteps, 1);
  checkScalar("the decayRate of inverseTimeDecay", decayRate, { minimum: 0 });
  return (iteration) => {
    const time = iteration / decaySteps;
    return initialLearningRate / (1 + decayRate * (staircase ? Math.floor(time) : time));
  };
}
