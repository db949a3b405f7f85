import { checkCount } from "../check_count.ts";
import { checkScalar } from "../check_scalar.ts";
import type { Schedule } from "./schedule.ts";

/** Options of {@link cosineDecay}. */
export interface CosineDecayOptions {
  /** First number, at least 0. */
  readonly initialLearningRate: number;
  /** Iterations of the decay, after the warm-up, a whole number from 1. */
  readonly decaySteps: number;
  /** Fraction of the peak that is left at the end, 0 to 1; default 0. */
  readonly alpha?: number;
  /** Number that the warm-up leads to, at least 0; default: no warm-up. */
  readonly warmupTarget?: number;
  /** Iterations of the warm-up; default 0. */
  readonly warmupSteps?: number;
}

/**
 * A number that rises in a line to a peak, if asked to, and then falls along half a cosine.
 *
 * peak · ((1 − alpha) · (1 + cos(π · t)) / 2 + alpha), with t from 0 to 1 over `decaySteps`
 * iterations, and the end value after them. The peak is `warmupTarget`, or `initialLearningRate`
 * without warm-up.
 *
 * @param options First number, iterations, what is left, warm-up.
 * @returns A schedule.
 * @throws {RangeError} when an option is out of its range, or there are warm-up steps without target.
 *
 * @example
 * ```ts
 * import { cosineDecay } from "@millrace/millrace";
 * import assert from "node:assert/strict";
 *
 * const rate = cosineDecay({
 *   initialLearningRate: 0,
 *   warmupTarget: 0.5,
 *   warmupSteps: 10,
 *   decaySteps: 100,
 * });
 * assert.deepEqual([0, 5, 10, 110, 500].map(rate), [0, 0.25, 0.5, 0, 0]);
 * ```
 *
 * Source: I. Loshchilov, F. Hutter, "SGDR", 2016. Keras: `CosineDecay`, which leaves out warm-up
 * steps without a target silently.
 */
export function cosineDecay(options: CosineDecayOptions): Schedule {
  const { initialLearningRate, decaySteps, alpha = 0, warmupTarget, warmupSteps = 0 } = options ??
    ({} as CosineDecayOptions);
  checkScalar("the initialLearningRate of cosineDecay", initialLearningRate, { minimum: 0 });
  checkCount("the decaySteps of cosineDecay", decaySteps, 1);
  checkScalar("the alpha of cosineDecay", alpha, { minimum: 0, maximum: 1 });
  checkCount("the warmupSteps of cosineDecay", warmupSteps);
  if (warmupTarget !== undefined) {
    checkScalar("the warmupTarget of cosineDecay", warmupTarget, { minimum: 0 });
  } else if (warmupSteps > 0) {
    throw new RangeError(
      `Cannot make cosineDecay as warmupSteps need a warmupTarget to rise to: ` +
        `received ${warmupSteps} steps and no target`,
    );
  }
  const peak = warmupTarget ?? initialLearningRate;
  return (iteration) => {
    if (iteration < warmupSteps) {
      return initialLearningRate + (peak - initialLearningRate) * iteration / warmupSteps;
    }
    const completed = Math.min(iteration - warmupSteps, decaySteps) / decaySteps;
    return peak * ((1 - alpha) * 0.5 * (1 + Math.cos(Math.PI * completed)) + alpha);
  };
}
