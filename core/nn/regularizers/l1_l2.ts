import { add } from "../../ops/add.ts";
import type { Regularizer } from "../regularizer.ts";
import { l1 } from "./l1.ts";
import { l2 } from "./l2.ts";

/** Options of {@link l1L2}. */
export interface L1L2Options {
  /** Strength of the sizes, at least 0; default 0. */
  readonly l1?: number;
  /** Strength of the squares, at least 0; default 0. */
  readonly l2?: number;
}

/**
 * Both penalties, of an elastic net: l1 · Σ |w| + l2 · Σ w².
 *
 * @param options The two strengths.
 * @returns A regularizer.
 * @throws {RangeError} when a strength is negative or not finite.
 *
 * @example
 * ```ts
 * import { l1L2, tensor } from "@millrace/millrace";
 * import assert from "node:assert/strict";
 *
 * const penalty = l1L2({ l1: 1, l2: 0.5 }).apply(tensor([1, -2]));
 * assert.deepEqual([...await penalty.data()], [5.5]);
 * ```
 *
 * Source: H. Zou, T. Hastie, 2005; Keras's `L1L2`. PyTorch: added to the loss by hand.
 */
export function l1L2(options: L1L2Options = {}): Regularizer {
  const [sizes, squares] = [l1(options.l1 ?? 0), l2(options.l2 ?? 0)];
  return {
    name: "l1L2",
    config: { ...options },
    apply: (parameter) => add(sizes.apply(parameter), squares.apply(parameter)),
  };
}
