import { checkScalar } from "../check_scalar.ts";
import type { Initializer } from "../initializer.ts";
import { drawValues } from "./draw.ts";

/** Options of {@link randomUniform}. */
export interface RandomUniformOptions {
  /** Lower bound, inclusive; default −0.05. */
  readonly minimum?: number;
  /** Upper bound, exclusive; default 0.05. */
  readonly maximum?: number;
}

/**
 * Weights from a uniform distribution.
 *
 * @param options Bounds.
 * @returns An initializer of numbers in [`minimum`, `maximum`).
 * @throws {RangeError} when a bound is not finite or the upper one is below the lower.
 *
 * @example
 * ```ts
 * import { namedKey, randomUniform } from "@millrace/millrace";
 * import assert from "node:assert/strict";
 *
 * const values = randomUniform({ minimum: 0, maximum: 1 }).values([100], namedKey(1, "kernel"));
 * assert(values.every((value) => value >= 0 && value <= 1));
 * ```
 *
 * Keras: `RandomUniform(minval, maxval)`; the seed is the model's.
 */
export function randomUniform(options: RandomUniformOptions = {}): Initializer {
  const { minimum = -0.05, maximum = 0.05 } = options;
  checkScalar("the minimum of randomUniform", minimum);
  checkScalar("the maximum of randomUniform", maximum, { minimum });
  return {
    name: "randomUniform",
    config: { ...options },
    values: (shape, key) =>
      drawValues(shape, key, (stream) => minimum + (maximum - minimum) * stream.uniform()),
  };
}
