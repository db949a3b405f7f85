import { checkCount } from "../check_count.ts";
import { checkScalar } from "../check_scalar.ts";
import type { Schedule } from "./schedule.ts";

/** Options of {@link oneCycle}. */
export interface OneCycleOptions {
  /** Largest number, at least 0. */
  readonly maxLearningRate: number;
  /** Iterations of the whole cycle, a whole number from 2. */
  readonly totalSteps: number;
  /** Part of the iterations that it rises, above 0 to below 1; default 0.3. */
  readonly pctStart?: number;
  /** What the largest number is divided by for the first one, at least 1; default 25. */
  readonly divFactor?: number;
  /** What the first number is divided by for the last one, at least 1; default 10,000. */
  readonly finalDivFactor?: number;
}

/**
 * A number that rises along half a cosine to its peak, and then falls along another to almost nothing.
 *
 * From max / divFactor at 0 to max at pctStart · totalSteps − 1, to max / divFactor / finalDivFactor at
 * totalSteps − 1 and afterwards.
 *
 * @param options Largest number, iterations, shape.
 * @returns A schedule.
 * @throws {RangeError} when an option is out of its range.
 *
 * @example
 * ```ts
 * import { oneCycle } from "@millrace/millrace";
 * import assert from "node:assert/strict";
 *
 * const rate = oneCycle({ maxLearningRate: 1, totalSteps: 100 });
 * assert(Math.abs(rate(0) - 0.04) < 1e-12 && rate(29) === 1);
 * assert(rate(99) < 1e-5);
 * ```
 *
 * Source: L. Smith, N. Topin, "Super-convergence", 2017; PyTorch's `OneCycleLR` without its momentum.
 * Keras has none.
 */
export function oneCycle(options: OneCycleOptions): Schedule {
  const { maxLearningRate, totalSteps, pctStart = 0.3 } = options ?? ({} as OneCycleOptions);
  const { divFactor = 25, finalDivFactor = 1e4 } = options ?? ({} as OneCycleOptions);
  checkScalar("the maxLearningRate of oneCycle", maxLearningRate, { minimum: 0 });
  checkCount("the totalSteps of oneCycle", totalSteps, 2);
  const inside = { minimum: Number.MIN_VALUE, maximum: 1 - Number.EPSILON };
  checkScalar("the pctStart of oneCycle", pctStart, inside);
  checkScalar("the divFactor of oneCycle", divFactor, { minimum: 1 });
  checkScalar("the finalDivFactor of oneCycle", finalDivFactor, { minimum: 1 });
  const first = maxLearningRate / divFactor;
  const last = first / finalDivFactor;
  const [peak, end] = [pctStart * totalSteps - 1, totalSteps - 1];
  return (iteration) =>
    peak > 0 && iteration <= peak
      ? along(first, maxLearningRate, iteration / peak)
      : along(maxLearningRate, last, Math.min(1, (iteration - peak) / (end - peak)));
}

/** From one number to another along half a cosine. */
function along(from: number, to: number, part: number): number {
  return to + (from - to) / 2 * (1 + Math.cos(Math.PI * part));
}
