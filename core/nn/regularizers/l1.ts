import { abs } from "../../ops/abs.ts";
import { mul } from "../../ops/mul.ts";
import { sum } from "../../ops/sum.ts";
import { checkScalar } from "../check_scalar.ts";
import type { Regularizer } from "../regularizer.ts";

/**
 * Penalty on the sizes of weights, which drives many to 0: strength · Σ |w|.
 *
 * @param strength Factor, at least 0; default 0.01.
 * @returns A regularizer.
 * @throws {RangeError} when `strength` is negative or not finite.
 *
 * @example
 * ```ts
 * import { l1, tensor } from "@millrace/millrace";
 * import assert from "node:assert/strict";
 *
 * assert.deepEqual([...await l1(0.5).apply(tensor([[1, -2], [0, 3]])).data()], [3]);
 * ```
 *
 * Source: Keras's `L1`. PyTorch: added to the loss by hand.
 */
export function l1(strength = 0.01): Regularizer {
  checkScalar("the strength of l1", strength, { minimum: 0 });
  return {
    name: "l1",
    config: { strength },
    apply: (parameter) => mul(sum(abs(parameter)), strength),
  };
}
