import { add } from "../../ops/add.ts";
import { clip } from "../../ops/clip.ts";
import { mul } from "../../ops/mul.ts";
import { checkScalar } from "../check_scalar.ts";
import type { Constraint } from "../constraint.ts";
import { type NormOptions, scaled } from "./scaled.ts";

/** Options of {@link minMaxNorm}. */
export interface MinMaxNormOptions extends NormOptions {
  /** Smallest length, at least 0; default 0. */
  readonly minValue?: number;
  /** Largest length, at least `minValue`; default 1. */
  readonly maxValue?: number;
  /** Part of the way that is gone at every step, 0 to 1; default 1. */
  readonly rate?: number;
}

/**
 * Keeps the lengths of the vectors of a weight between two bounds.
 *
 * w · (rate · clip(‖w‖, minValue, maxValue) + (1 − rate) · ‖w‖) / (‖w‖ + 1e-7), the length along `axis`.
 *
 * @param options `minValue`, `maxValue`, `rate` and `axis`.
 * @returns A constraint.
 * @throws {RangeError} when an option is out of its range.
 *
 * @example
 * ```ts
 * import { minMaxNorm, tensor } from "@millrace/millrace";
 * import assert from "node:assert/strict";
 *
 * const constraint = minMaxNorm({ maxValue: 1, rate: 0.5 });
 * const [x, y] = await constraint.apply(tensor([3, 4])).data();
 * assert(Math.abs(x - 1.8) < 1e-6 && Math.abs(y - 2.4) < 1e-6); // half of the way from 5 to 1
 * ```
 *
 * Source: Keras's `MinMaxNorm(min_value, max_value, rate, axis)`. PyTorch has none.
 */
export function minMaxNorm(options: MinMaxNormOptions = {}): Constraint {
  const { minValue = 0, maxValue = 1, rate = 1 } = options;
  checkScalar("the minValue of minMaxNorm", minValue, { minimum: 0 });
  checkScalar("the maxValue of minMaxNorm", maxValue, { minimum: minValue });
  checkScalar("the rate of minMaxNorm", rate, { minimum: 0, maximum: 1 });
  return {
    name: "minMaxNorm",
    config: { ...options },
    apply: (parameter) =>
      scaled(parameter, options, (lengths) => {
        const kept = clip(lengths, minValue, maxValue);
        return rate === 1 ? kept : add(mul(kept, rate), mul(lengths, 1 - rate));
      }),
  };
}
