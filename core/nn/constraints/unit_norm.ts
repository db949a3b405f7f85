import type { Constraint } from "../constraint.ts";
import { type NormOptions, scaled } from "./scaled.ts";

/**
 * Keeps the vectors of a weight at length 1.
 *
 * w / (‖w‖ + 1e-7), the length along `axis`.
 *
 * @param options `axis`.
 * @returns A constraint.
 *
 * @example
 * ```ts
 * import { unitNorm, tensor } from "@millrace/millrace";
 * import assert from "node:assert/strict";
 *
 * const [x, y] = await unitNorm().apply(tensor([3, 4])).data();
 * assert(Math.abs(x - 0.6) < 1e-6 && Math.abs(y - 0.8) < 1e-6);
 * ```
 *
 * Source: Keras's `UnitNorm(axis)`. PyTorch: `functional.normalize`.
 */
export function unitNorm(options: NormOptions = {}): Constraint {
  return {
    name: "unitNorm",
    config: { ...options },
    apply: (parameter) => scaled(parameter, options, () => 1),
  };
}
