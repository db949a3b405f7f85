import type { Tensor } from "../graph/tensor.ts";
import { add } from "./add.ts";
import { mul } from "./mul.ts";
import { normalCdf } from "./normal_cdf.ts";
import { sigmoid } from "./sigmoid.ts";
import { square } from "./square.ts";

/**
 * Gaussian error linear unit: x·Φ(x), with Φ the normal distribution function.
 *
 * @param x Any shape, f32.
 * @param options `approximate` takes 0.5·x·(1 + tanh(√(2/π)·(x + 0.044715·x³))) instead; default
 *   false, as in Keras 3 and PyTorch (JAX: true).
 * @returns The shape of `x`, f32.
 *
 * @example
 * ```ts
 * import { gelu, tensor } from "@millrace/millrace";
 * import assert from "node:assert/strict";
 *
 * const [value] = await gelu(tensor([1])).data();
 * assert.ok(Math.abs(value - 0.8413447) < 1e-6);
 * ```
 *
 * Source: Hendrycks and Gimpel, https://arxiv.org/abs/1606.08415
 */
export function gelu(x: Tensor, options: { approximate?: boolean } = {}): Tensor {
  if (!options.approximate) return mul(x, normalCdf(x));
  // (1 + tanh u) / 2 is sigmoid(2u), which does not cancel for negative u.
  const u = mul(x, add(1, mul(square(x), 0.044715)));
  return mul(x, sigmoid(mul(u, 2 * Math.sqrt(2 / Math.PI))));
}
