import type { Tensor, TensorLike } from "../graph/tensor.ts";
import { abs } from "./abs.ts";
import { add } from "./add.ts";
import { cast } from "./cast.ts";
import { clip } from "./clip.ts";
import { div } from "./div.ts";
import { greater } from "./greater.ts";
import { mul } from "./mul.ts";
import { select } from "./select.ts";
import { sigmoid } from "./sigmoid.ts";
import { softplus } from "./softplus.ts";
import { tanh } from "./tanh.ts";

// Activations that are short sums of other ops: fusion makes one kernel of each.

/**
 * Leaky rectified linear unit: x above 0, else `negativeSlope`·x.
 *
 * @param x Any shape, f32.
 * @param negativeSlope Slope below and at 0; a number or a tensor; default 0.3 as in Keras (PyTorch
 *   and JAX: 0.01).
 * @returns The shape of `x`, f32.
 *
 * @example
 * ```ts
 * import { leakyRelu, tensor } from "@millrace/millrace";
 * import assert from "node:assert/strict";
 *
 * assert.deepEqual([...await leakyRelu(tensor([-2, 3]), 0.5).data()], [-1, 3]);
 * ```
 */
export function leakyRelu(x: Tensor, negativeSlope: TensorLike = 0.3): Tensor {
  return select(greater(x, 0), x, mul(x, negativeSlope));
}

/**
 * Sigmoid linear unit: x·sigmoid(x) (also called swish).
 *
 * @param x Any shape, f32.
 * @returns The shape of `x`, f32.
 *
 * @example
 * ```ts
 * import { silu, tensor } from "@millrace/millrace";
 * import assert from "node:assert/strict";
 *
 * const [value] = await silu(tensor([1])).data();
 * assert.ok(Math.abs(value - 0.7310586) < 1e-6);
 * ```
 */
export function silu(x: Tensor): Tensor {
  return mul(x, sigmoid(x));
}

/**
 * Piecewise linear sigmoid: x/6 + ½, kept in [0, 1], as in Keras 3 and PyTorch.
 *
 * @param x Any shape, f32.
 * @returns The shape of `x`, f32, in [0, 1].
 *
 * @example
 * ```ts
 * import { hardSigmoid, tensor } from "@millrace/millrace";
 * import assert from "node:assert/strict";
 *
 * assert.deepEqual([...await hardSigmoid(tensor([-4, 0, 4])).data()], [0, 0.5, 1]);
 * ```
 */
export function hardSigmoid(x: Tensor): Tensor {
  return clip(add(mul(x, 1 / 6), 0.5), 0, 1);
}

/**
 * x / (1 + |x|).
 *
 * @param x Any shape, f32.
 * @returns The shape of `x`, f32, in (−1, 1).
 *
 * @example
 * ```ts
 * import { softsign, tensor } from "@millrace/millrace";
 * import assert from "node:assert/strict";
 *
 * assert.deepEqual([...await softsign(tensor([-1, 3])).data()], [-0.5, 0.75]);
 * ```
 */
export function softsign(x: Tensor): Tensor {
  return div(x, add(abs(x), 1));
}

/**
 * x·tanh(softplus(x)).
 *
 * @param x Any shape, f32.
 * @returns The shape of `x`, f32.
 *
 * @example
 * ```ts
 * import { mish, tensor } from "@millrace/millrace";
 * import assert from "node:assert/strict";
 *
 * const [value] = await mish(tensor([1])).data();
 * assert.ok(Math.abs(value - 0.8650984) < 1e-6);
 * ```
 *
 * Source: Misra, https://arxiv.org/abs/1908.08681
 */
export function mish(x: Tensor): Tensor {
  return mul(x, tanh(softplus(x)));
}

/**
 * Rectified linear unit that stops at 6: min(max(x, 0), 6).
 *
 * @param x Any shape, f32.
 * @returns The shape of `x`, f32, in [0, 6].
 *
 * @example
 * ```ts
 * import { relu6, tensor } from "@millrace/millrace";
 * import assert from "node:assert/strict";
 *
 * assert.deepEqual([...await relu6(tensor([-1, 3, 9])).data()], [0, 3, 6]);
 * ```
 */
export function relu6(x: Tensor): Tensor {
  return clip(x, 0, 6);
}

/**
 * Threshold unit of the perceptron: 1 where x > 0, else 0. Its gradient is zero everywhere, so it
 * does not learn by gradient descent.
 *
 * @param x Any shape, f32.
 * @returns The shape of `x`, f32.
 *
 * @example
 * ```ts
 * import { step, tensor } from "@millrace/millrace";
 * import assert from "node:assert/strict";
 *
 * assert.deepEqual([...await step(tensor([-1, 0, 2])).data()], [0, 0, 1]);
 * ```
 *
 * Source: Nielsen, Neural Networks and Deep Learning, chapter 1
 */
export function step(x: Tensor): Tensor {
  return cast(greater(x, 0), "f32");
}
