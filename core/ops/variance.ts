import type { Tensor } from "../graph/tensor.ts";
import { flatRoot } from "./flat_root.ts";
import { mean } from "./sum.ts";
import { square } from "./square.ts";
import { sub } from "./sub.ts";

/** Settings of {@link variance} and {@link std}. */
export interface MomentOptions {
  /** Whether the axes are kept with size 1; default false. */
  readonly keepDims?: boolean;
}

/**
 * Mean of the squared distances from the mean over `axes`.
 *
 * @param x Any shape, f32.
 * @param axes Axes to average over; all by default.
 * @param options `keepDims`.
 * @returns The shape of `x` without `axes`, f32; over no elements, NaN as in NumPy.
 * @throws {ShapeError} when an axis is out of range or given twice.
 *
 * @example
 * ```ts
 * import { tensor, variance } from "@millrace/millrace";
 * import assert from "node:assert/strict";
 *
 * assert.deepEqual([...await variance(tensor([[1, 3], [2, 8]]), 1).data()], [1, 9]);
 * ```
 *
 * NumPy, Keras: `var`, over n as here. PyTorch: `var(unbiased=False)`.
 */
export function variance(
  x: Tensor,
  axes?: number | readonly number[],
  options: MomentOptions = {},
): Tensor {
  return mean(square(sub(x, mean(x, axes, { keepDims: true }))), axes, options);
}

/**
 * Square root of the {@link variance} over `axes`: the standard deviation. Where it is 0, so is its
 * gradient.
 *
 * @param x Any shape, f32.
 * @param axes Axes to average over; all by default.
 * @param options `keepDims`.
 * @returns The shape of `x` without `axes`, f32.
 * @throws {ShapeError} when an axis is out of range or given twice.
 *
 * @example
 * ```ts
 * import { std, tensor } from "@millrace/millrace";
 * import assert from "node:assert/strict";
 *
 * assert.deepEqual([...await std(tensor([[1, 3], [2, 8]]), 1).data()], [1, 3]);
 * ```
 *
 * NumPy, Keras: `std`, over n as here. PyTorch: `std(unbiased=False)`.
 */
export function std(
  x: Tensor,
  axes?: number | readonly number[],
  options: MomentOptions = {},
): Tensor {
  return flatRoot(variance(x, axes, options), 0.5);
}
