import type { Tensor } from "../graph/tensor.ts";
import { logSumExp } from "./log_sum_exp.ts";
import { stack } from "./stack.ts";
import { broadcastTo } from "./sum.ts";
import { broadcastShapes } from "../graph/shape.ts";

/**
 * log(eᵃ + eᵇ), element by element, without overflow: the sum of what two logarithms stand for.
 *
 * @param a f32.
 * @param b f32, of a shape that goes with that of `a`.
 * @returns The common shape, f32.
 * @throws {ShapeError} when the shapes do not go together.
 *
 * @example
 * ```ts
 * import { logAddExp, tensor } from "@millrace/millrace";
 * import assert from "node:assert/strict";
 *
 * const [half] = await logAddExp(tensor(Math.log(0.2)), tensor(Math.log(0.3))).exp().data();
 * assert.ok(Math.abs(half - 0.5) < 1e-6);
 * ```
 *
 * NumPy, Keras, PyTorch: `logaddexp`.
 */
export function logAddExp(a: Tensor, b: Tensor): Tensor {
  const shape = broadcastShapes("logAddExp", [a.shape, b.shape]);
  return logSumExp(stack([broadcastTo(a, shape), broadcastTo(b, shape)], shape.length), -1);
}
