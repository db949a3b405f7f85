import type { Tensor, TensorLike } from "../graph/tensor.ts";
import { maximum } from "./maximum.ts";
import { minimum } from "./minimum.ts";

/**
 * `x` kept between `low` and `high`: min(max(x, low), high).
 *
 * On a bound half of the gradient passes, as in JAX; beyond it none does.
 *
 * @param x Any shape, f32, i32 or u32.
 * @param low Smallest value, a number or a tensor that broadcasts with `x`.
 * @param high Largest value, a number or a tensor that broadcasts with `x`.
 * @returns The broadcast shape, of the type of `x`.
 *
 * @example
 * ```ts
 * import { clip, tensor } from "@millrace/millrace";
 * import assert from "node:assert/strict";
 *
 * assert.deepEqual([...await clip(tensor([-2, 0.5, 7]), 0, 1).data()], [0, 0.5, 1]);
 * ```
 */
export function clip(x: Tensor, low: TensorLike, high: TensorLike): Tensor {
  return minimum(maximum(x, low), high);
}
