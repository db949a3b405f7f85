import { checkScalar } from "../check_scalar.ts";
import { checkCount } from "../check_count.ts";
import type { Schedule } from "./schedule.ts";

/** Options of {@link stepDecay}. */
export interface StepDecayOptions {
  /** First number, at least 0. */
  readonly initialLearningRate: number;
  /** Iterations from one drop to the next, a whole number from 1. */
  readonly stepSize: number;
  /** Factor of a drop, at least 0; default 0.1. */
  readonly gamma?: number;
}

/**
 * A number that drops by a factor every so many iterations.
 *
 * initialLearningRate · gamma ^ floor(iteration / stepSize)
 *
 * @param options First number, iterations between drops, factor.
 * @returns A schedule.
 * @throws {RangeError} when an option is out of its range.
 *
 * @example
 * ```ts
 * import { stepDecay } from "@millrace/millrace";
 * import assert from "node:assert/strict";
 *
 * const rate = stepDecay({ initialLearningRate: 0.1, stepSize: 100, gamma: 0.5 });
 * assert.deepEqual([0, 99, 100, 200].map(rate), [0.1, 0.1, 0.05, 0.025]);
 * ```
 *
 * PyTorch: `StepLR`; Keras: `ExponentialDecay(staircase=True)`.
 */
export function stepDecay(options: StepDecayOptions): Schedule {
  const { initialLearningRate, stepSize, gamma = 0.1 } = options ?? ({} as StepDecayOptions);
  checkScalar("the initialLearningRate of stepDecay", initialLearningRate, { minimum: 0 });
  checkCount("the stepSize of stepDecay", stepSize, 1);
  checkScalar("the gamma of stepDecay", gamma, { minimum: 0 });
  return (iteration) => initialLearningRate * gamma ** Math.floor(iteration / stepSize);
}
