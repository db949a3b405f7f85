import type { Tensor } from "../graph/tensor.ts";
import { abs } from "./abs.ts";
import { hardSigmoid } from "./activations.ts";
import { add } from "./add.ts";
import { checkSetting } from "./check_setting.ts";
import { clip } from "./clip.ts";
import { greater } from "./greater.ts";
import { greaterEqual } from "./greater_equal.ts";
import { mul } from "./mul.ts";
import { select } from "./select.ts";
import { square } from "./square.ts";
import { sub } from "./sub.ts";
import { tanh } from "./tanh.ts";

// Piecewise activations: comparisons and choices, which fusion makes one kernel of.

/**
 * Piecewise linear kin of silu: x · hardSigmoid(x), also called hard swish.
 *
 * @param x Any shape, f32.
 * @returns The shape of `x`, f32.
 *
 * @example
 * ```ts
 * import { hardSilu, tensor } from "@millrace/millrace";
 * import assert from "node:assert/strict";
 *
 * assert.deepEqual([...await hardSilu(tensor([-4, 3])).data()], [-0, 3]);
 * ```
 *
 * Source: A. Howard and others, MobileNetV3, 2019; Keras's `hard_silu`. PyTorch: `Hardswish`.
 */
export function hardSilu(x: Tensor): Tensor {
  return mul(x, hardSigmoid(x));
}

/**
 * Piecewise linear kin of tanh: x kept in [−1, 1].
 *
 * @param x Any shape, f32.
 * @returns The shape of `x`, f32, in [−1, 1].
 *
 * @example
 * ```ts
 * import { hardTanh, tensor } from "@millrace/millrace";
 * import assert from "node:assert/strict";
 *
 * assert.deepEqual([...await hardTanh(tensor([-4, 0.5, 3])).data()], [-1, 0.5, 1]);
 * ```
 *
 * Source: Keras's `hard_tanh`. PyTorch: `Hardtanh`.
 */
export function hardTanh(x: Tensor): Tensor {
  return clip(x, -1, 1);
}

/**
 * x where |x| is above `threshold`, else 0.
 *
 * @param x Any shape, f32.
 * @param threshold Size up to which values become 0, at least 0; default 0.5.
 * @returns The shape of `x`, f32.
 * @throws {RangeError} when `threshold` is negative or not finite.
 *
 * @example
 * ```ts
 * import { hardShrink, tensor } from "@millrace/millrace";
 * import assert from "node:assert/strict";
 *
 * assert.deepEqual([...await hardShrink(tensor([-2, 0.5, 0.75])).data()], [-2, 0, 0.75]);
 * ```
 *
 * Source: Keras's `hard_shrink`. PyTorch: `Hardshrink`.
 */
export function hardShrink(x: Tensor, threshold = 0.5): Tensor {
  checkSetting("hardShrink", "threshold", threshold, 0);
  return select(greater(abs(x), threshold), x, 0);
}

/**
 * x brought nearer to 0 by `threshold`, and 0 where it would pass it.
 *
 * @param x Any shape, f32.
 * @param threshold Size up to which values become 0, at least 0; default 0.5.
 * @returns The shape of `x`, f32.
 * @throws {RangeError} when `threshold` is negative or not finite.
 *
 * @example
 * ```ts
 * import { softShrink, tensor } from "@millrace/millrace";
 * import assert from "node:assert/strict";
 *
 * assert.deepEqual([...await softShrink(tensor([-2, 0.25, 0.75])).data()], [-1.5, 0, 0.25]);
 * ```
 *
 * Source: Keras's `soft_shrink`. PyTorch: `Softshrink`.
 */
export function softShrink(x: Tensor, threshold = 0.5): Tensor {
  checkSetting("softShrink", "threshold", threshold, 0);
  return add(
    select(greater(x, threshold), sub(x, threshold), 0),
    select(greater(-threshold, x), add(x, threshold), 0),
  );
}

/**
 * x − tanh(x).
 *
 * @param x Any shape, f32.
 * @returns The shape of `x`, f32.
 *
 * @example
 * ```ts
 * import { tanhShrink, tensor } from "@millrace/millrace";
 * import assert from "node:assert/strict";
 *
 * const [value] = await tanhShrink(tensor([2])).data();
 * assert.ok(Math.abs(value - (2 - Math.tanh(2))) < 1e-6);
 * ```
 *
 * Source: Keras's `tanh_shrink`. PyTorch: `Tanhshrink`. Near 0, where it is x³/3, float32 leaves an error of
 * about 1e-7 · |x|.
 */
export function tanhShrink(x: Tensor): Tensor {
  return sub(x, tanh(x));
}

/**
 * x where it is above `threshold`, else `defaultValue`.
 *
 * @param x Any shape, f32.
 * @param threshold What x must be above.
 * @param defaultValue What stands for the rest.
 * @returns The shape of `x`, f32.
 * @throws {RangeError} when a setting is not finite.
 *
 * @example
 * ```ts
 * import { threshold, tensor } from "@millrace/millrace";
 * import assert from "node:assert/strict";
 *
 * assert.deepEqual([...await threshold(tensor([-2, 0.5, 3]), 0.5, 7).data()], [7, 7, 3]);
 * ```
 *
 * Source: Keras's `threshold`. PyTorch: `Threshold`.
 */
export function threshold(x: Tensor, threshold: number, defaultValue: number): Tensor {
  checkSetting("threshold", "threshold", threshold);
  checkSetting("threshold", "defaultValue", defaultValue);
  return select(greater(x, threshold), x, defaultValue);
}

/**
 * A line that stops at 0 and at 1: (x + 1) / 2, kept in [0, 1].
 *
 * @param x Any shape, f32.
 * @returns The shape of `x`, f32, in [0, 1].
 *
 * @example
 * ```ts
 * import { sparseSigmoid, tensor } from "@millrace/millrace";
 * import assert from "node:assert/strict";
 *
 * assert.deepEqual([...await sparseSigmoid(tensor([-3, 0, 0.5, 2])).data()], [0, 0.5, 0.75, 1]);
 * ```
 *
 * Source: Keras's `sparse_sigmoid`. PyTorch has none.
 */
export function sparseSigmoid(x: Tensor): Tensor {
  return clip(mul(add(x, 1), 0.5), 0, 1);
}

/**
 * Softplus of a parabola: 0 up to −1, (x + 1)² / 4 up to 1, x from there.
 *
 * @param x Any shape, f32.
 * @returns The shape of `x`, f32; its slope is {@link sparseSigmoid}.
 *
 * @example
 * ```ts
 * import { sparsePlus, tensor } from "@millrace/millrace";
 * import assert from "node:assert/strict";
 *
 * assert.deepEqual([...await sparsePlus(tensor([-3, 0, 1, 2])).data()], [0, 0.25, 1, 2]);
 * ```
 *
 * Source: Keras's `sparse_plus`. PyTorch has none.
 */
export function sparsePlus(x: Tensor): Tensor {
  return select(greaterEqual(x, 1), x, square(sparseSigmoid(x)));
}
