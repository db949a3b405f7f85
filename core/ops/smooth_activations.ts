import type { Tensor } from "../graph/tensor.ts";
import { add } from "./add.ts";
import { checkSetting } from "./check_setting.ts";
import { div } from "./div.ts";
import { elu } from "./elu.ts";
import { greater } from "./greater.ts";
import { mul } from "./mul.ts";
import { neg } from "./neg.ts";
import { select } from "./select.ts";
import { softplus } from "./softplus.ts";
import { sqrt } from "./sqrt.ts";
import { square } from "./square.ts";
import { sub } from "./sub.ts";

// Smooth activations made of ops that are exact where it matters; fusion makes one kernel of each.

/**
 * Continuously differentiable exponential linear unit: x above 0, else α · (e^(x/α) − 1).
 *
 * @param x Any shape, f32.
 * @param alpha α, above 0: minus the value towards −Infinity; default 1.
 * @returns The shape of `x`, f32.
 * @throws {RangeError} when `alpha` is not above 0.
 *
 * @example
 * ```ts
 * import { celu, tensor } from "@millrace/millrace";
 * import assert from "node:assert/strict";
 *
 * const [value] = await celu(tensor([-2]), 2).data();
 * assert.ok(Math.abs(value - 2 * Math.expm1(-1)) < 1e-6);
 * ```
 *
 * Source: J. Barron, "Continuously differentiable exponential linear units", 2017; Keras's `celu`. PyTorch:
 * `CELU`.
 */
export function celu(x: Tensor, alpha = 1): Tensor {
  checkSetting("celu", "alpha", alpha, Number.MIN_VALUE);
  return mul(elu(div(x, alpha)), alpha);
}

/**
 * log(sigmoid(x)) = −softplus(−x), without underflow.
 *
 * @param x Any shape, f32.
 * @returns The shape of `x`, f32. At most 0.
 *
 * @example
 * ```ts
 * import { logSigmoid, tensor } from "@millrace/millrace";
 * import assert from "node:assert/strict";
 *
 * const [low, high] = await logSigmoid(tensor([-100, 100])).data();
 * assert.ok(low === -100 && Math.abs(high) < 1e-30);
 * ```
 *
 * Source: Keras's `log_sigmoid`. PyTorch: `LogSigmoid`.
 */
export function logSigmoid(x: Tensor): Tensor {
  return neg(softplus(neg(x)));
}

/**
 * (x + √(x² + b)) / 2: a softplus without exponentials.
 *
 * @param x Any shape, f32.
 * @param b Smoothness, at least 0: b/4 is the square of the value at 0; default 4.
 * @returns The shape of `x`, f32. At least 0.
 * @throws {RangeError} when `b` is negative or not finite.
 *
 * @example
 * ```ts
 * import { squareplus, tensor } from "@millrace/millrace";
 * import assert from "node:assert/strict";
 *
 * assert.deepEqual([...await squareplus(tensor([0, 1.5])).data()], [1, 2]);
 * ```
 *
 * Source: J. Barron, "Squareplus", 2021; Keras's `squareplus`. PyTorch has none.
 */
export function squareplus(x: Tensor, b = 4): Tensor {
  checkSetting("squareplus", "b", b, 0);
  const root = sqrt(add(square(x), b));
  const positive = greater(x, 0);
  // Far below 0 the sum would lose all digits: it is b over the difference, which is 0 far above.
  const low = div(b, mul(select(positive, 1, sub(root, x)), 2));
  return b === 0 ? select(positive, x, 0) : select(positive, mul(add(x, root), 0.5), low);
}
