import { checkCount } from "../check_count.ts";
import { checkScalar } from "../check_scalar.ts";
import type { Schedule } from "./schedule.ts";

/** Options of {@link piecewiseConstant}. */
export interface PiecewiseConstantOptions {
  /** Last iteration of each value but the last, whole numbers in rising order. */
  readonly boundaries: readonly number[];
  /** Numbers, one more than boundaries, at least 0. */
  readonly values: readonly number[];
}

/**
 * A number that changes at given iterations: `values[i]` while iteration ≤ `boundaries[i]`.
 *
 * @param options Boundaries and values.
 * @returns A schedule.
 * @throws {RangeError} when boundaries do not rise, a value is negative, or the counts do not fit.
 *
 * @example
 * ```ts
 * import { piecewiseConstant } from "@millrace/millrace";
 * import assert from "node:assert/strict";
 *
 * const rate = piecewiseConstant({ boundaries: [100], values: [0.1, 0.01] });
 * assert.deepEqual([0, 100, 101].map(rate), [0.1, 0.1, 0.01]);
 * ```
 *
 * Keras: `PiecewiseConstantDecay`.
 */
export function piecewiseConstant(options: PiecewiseConstantOptions): Schedule {
  const boundaries = [...options.boundaries];
  const values = [...options.values];
  if (values.length !== boundaries.length + 1) {
    throw new RangeError(
      `Cannot make piecewiseConstant as it needs one value more than boundaries: ` +
        `received ${values.length} values and ${boundaries.length} boundaries`,
    );
  }
  boundaries.forEach((boundary, index) => {
    const minimum = index === 0 ? 0 : boundaries[index - 1] + 1;
    checkCount(`boundary ${index} of piecewiseConstant`, boundary, minimum);
  });
  values.forEach((value, index) =>
    checkScalar(`value ${index} of piecewiseConstant`, value, { minimum: 0 })
  );
  return (iteration) => {
    const index = boundaries.findIndex((boundary) => iteration <= boundary);
    return values[index < 0 ? values.length - 1 : index];
  };
}
