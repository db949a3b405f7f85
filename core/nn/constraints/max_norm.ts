import { minimum } from "../../ops/minimum.ts";
import { checkScalar } from "../check_scalar.ts";
import type { Constraint } from "../constraint.ts";
import { type NormOptions, scaled } from "./scaled.ts";

/** Options of {@link maxNorm}. */
export interface MaxNormOptions extends NormOptions {
  /** Largest length, at least 0; default 2. */
  readonly maxValue?: number;
}

/**
 * Keeps the vectors of a weight from growing longer than a bound.
 *
 * w · min(‖w‖, maxValue) / (‖w‖ + 1e-7), the length along `axis`.
 *
 * @param options `maxValue` and `axis`.
 * @returns A constraint.
 * @throws {RangeError} when an option is out of its range.
 *
 * @example
 * ```ts
 * import { maxNorm, tensor } from "@millrace/millrace";
 * import assert from "node:assert/strict";
 *
 * const [x, y] = await maxNorm({ maxValue: 1 }).apply(tensor([3, 4])).data();
 * assert(Math.abs(x - 0.6) < 1e-6 && Math.abs(y - 0.8) < 1e-6);
 * ```
 *
 * Source: N. Srivastava and others, "Dropout", 2014; Keras's `MaxNorm(max_value, axis)`. PyTorch: `renorm`.
 */
export function maxNorm(options: MaxNormOptions = {}): Constraint {
  const { maxValue = 2 } = options;
  checkScalar("the maxValue of maxNorm", maxValue, { minimum: 0 });
  return {
    name: "maxNorm",
    config: { ...options },
    apply: (parameter) => scaled(parameter, options, (lengths) => minimum(lengths, maxValue)),
  };
}
