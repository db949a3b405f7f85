import { checkCount } from "../check_count.ts";
import { checkScalar } from "../check_scalar.ts";
import type { Schedule } from "./schedule.ts";

/** Options of {@link cosineDecayRestarts}. */
export interface CosineDecayRestartsOptions {
  /** First number, at least 0. */
  readonly initialLearningRate: number;
  /** Iterations of the first period, a whole number from 1. */
  readonly firstDecaySteps: number;
  /** By what each period is longer than the one before, at least 1; default 2. */
  readonly tMul?: number;
  /** By what each period's first number is multiplied, at least 0; default 1. */
  readonly mMul?: number;
  /** Fraction of the first number that is never undercut, 0 to 1; default 0. */
  readonly alpha?: number;
}

/**
 * A number that falls along half a cosine and starts again, over longer and longer periods.
 *
 * initialLearningRate · ((1 − alpha) · mMulⁱ · (1 + cos(π · t)) / 2 + alpha), in period i from 0, of
 * firstDecaySteps · tMulⁱ iterations, with t from 0 to 1 over it.
 *
 * @param options First number, iterations, factors.
 * @returns A schedule.
 * @throws {RangeError} when an option is out of its range.
 *
 * @example
 * ```ts
 * import { cosineDecayRestarts } from "@millrace/millrace";
 * import assert from "node:assert/strict";
 *
 * const rate = cosineDecayRestarts({ initialLearningRate: 1, firstDecaySteps: 10, mMul: 0.5 });
 * assert.deepEqual([0, 10, 30].map(rate), [1, 0.5, 0.25]);
 * ```
 *
 * Source: I. Loshchilov, F. Hutter, "SGDR", 2016. Keras: `CosineDecayRestarts`, which finds the period
 * by a logarithm whose rounding may put a restart one iteration late. PyTorch:
 * `CosineAnnealingWarmRestarts`.
 */
export function cosineDecayRestarts(options: CosineDecayRestartsOptions): Schedule {
  const { initialLearningRate, firstDecaySteps, tMul = 2, mMul = 1, alpha = 0 } = options ??
    ({} as CosineDecayRestartsOptions);
  const of = (option: string) => `the ${option} of cosineDecayRestarts`;
  checkScalar(of("initialLearningRate"), initialLearningRate, { minimum: 0 });
  checkCount(of("firstDecaySteps"), firstDecaySteps, 1);
  checkScalar(of("tMul"), tMul, { minimum: 1 });
  checkScalar(of("mMul"), mMul, { minimum: 0 });
  checkScalar(of("alpha"), alpha, { minimum: 0, maximum: 1 });
  return (iteration) => {
    const { period, completed } = placeOf(iteration / firstDecaySteps, tMul);
    const cosine = 0.5 * mMul ** period * (1 + Math.cos(Math.PI * completed));
    return initialLearningRate * ((1 - alpha) * cosine + alpha);
  };
}

/** Which period a time is in, counted in first periods, and what part of it is completed. */
function placeOf(time: number, growth: number): { period: number; completed: number } {
  if (growth === 1) return { period: Math.floor(time), completed: time % 1 };
  let [period, length] = [0, 1];
  for (; time >= length; length *= growth, period++) time -= length;
  return { period, completed: time / length };
}
