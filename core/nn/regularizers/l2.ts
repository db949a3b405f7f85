import { mul } from "../../ops/mul.ts";
import { square } from "../../ops/square.ts";
import { sum } from "../../ops/sum.ts";
import { checkScalar } from "../check_scalar.ts";
import type { Regularizer } from "../regularizer.ts";

/**
 * Penalty on the squares of weights, which keeps them small: strength · Σ w².
 *
 * @param strength Factor, at least 0; default 0.01.
 * @returns A regularizer.
 * @throws {RangeError} when `strength` is negative or not finite.
 *
 * @example
 * ```ts
 * import { l2, tensor } from "@millrace/millrace";
 * import assert from "node:assert/strict";
 *
 * assert.deepEqual([...await l2(0.5).apply(tensor([[1, -2], [0, 3]])).data()], [7]);
 * ```
 *
 * Source: Keras's `L2`. PyTorch's `weight_decay` of SGD is half of it: strength = decay / 2.
 */
export function l2(strength = 0.01): Regularizer {
  checkScalar("the strength of l2", strength, { minimum: 0 });
  return {
    name: "l2",
    config: { strength },
    apply: (parameter) => mul(sum(square(parameter)), strength),
  };
}
