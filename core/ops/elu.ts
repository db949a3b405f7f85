import type { Tensor, TensorLike } from "../graph/tensor.ts";
import { add } from "./add.ts";
import { type Binary, elementwise } from "./elementwise.ts";
import { expm1, expm1Body } from "./expm1.ts";
import { greater } from "./greater.ts";
import { mul } from "./mul.ts";
import { select } from "./select.ts";

const exponentialUnit: Binary = elementwise({
  name: "elu",
  wgsl: expm1Body.replace(/^select/, "let below = select") + ";\nselect(y * below, x, x > 0.0)",
  reference: (x, y) => x > 0 ? x : y * Math.expm1(x),
  vjp: (grad, x, y, output) => {
    const positive = greater(x, 0);
    return [
      // Below 0 the derivative is α·eˣ, which is the output + α.
      select(positive, grad, mul(grad, add(output, y))),
      select(positive, 0, mul(grad, expm1(x))),
    ];
  },
  samples: [{
    inputs: [[-1, 0, 2, -1e-6], [1, 1, 1, 2]],
    expected: [-0.6321205588285577, 0, 2, -1.9999990000003334e-6],
    source: "expm1(x), float64",
  }],
  cost: 26,
  tolerance: 16,
});

/**
 * Exponential linear unit: x above 0, else α·(eˣ − 1). Its derivative at 0 is α, as in PyTorch.
 *
 * @param x Any shape, f32.
 * @param alpha α: minus the value towards −Infinity; a number, or a tensor that learns; default 1.
 * @returns The shape of `x`, f32.
 *
 * @example
 * ```ts
 * import { elu, tensor } from "@millrace/millrace";
 * import assert from "node:assert/strict";
 *
 * const [low, high] = await elu(tensor([-1, 2])).data();
 * assert.ok(Math.abs(low + 0.6321206) < 1e-6 && high === 2);
 * ```
 *
 * Source: Clevert, Unterthiner and Hochreiter, https://arxiv.org/abs/1511.07289
 */
export function elu(x: Tensor, alpha: TensorLike = 1): Tensor {
  return exponentialUnit(x, alpha);
}

/**
 * Scaled exponential linear unit: 1.0507 · elu(x, 1.6733), which keeps mean 0 and variance 1.
 *
 * @param x Any shape, f32.
 * @returns The shape of `x`, f32.
 *
 * @example
 * ```ts
 * import { selu, tensor } from "@millrace/millrace";
 * import assert from "node:assert/strict";
 *
 * assert.deepEqual([...await selu(tensor([0, 1])).data()], [0, Math.fround(1.0507009873554805)]);
 * ```
 *
 * Source: Klambauer et al., https://arxiv.org/abs/1706.02515
 */
export function selu(x: Tensor): Tensor {
  return mul(elu(x, 1.6732632423543772), 1.0507009873554805);
}
