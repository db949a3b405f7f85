import { maximum } from "../../ops/maximum.ts";
import type { Constraint } from "../constraint.ts";

/**
 * Keeps weights from being negative.
 *
 * max(w, 0).
 *
 * @returns A constraint.
 *
 * @example
 * ```ts
 * import { nonNeg, tensor } from "@millrace/millrace";
 * import assert from "node:assert/strict";
 *
 * assert.deepEqual([...await nonNeg().apply(tensor([-3, 4])).data()], [0, 4]);
 * ```
 *
 * Source: Keras's `NonNeg`. PyTorch: `clamp_`.
 */
export function nonNeg(): Constraint {
  return { name: "nonNeg", config: {}, apply: (parameter) => maximum(parameter, 0) };
}
