import type { Tensor } from "../graph/tensor.ts";
import { abs } from "./abs.ts";
import { flatRoot } from "./flat_root.ts";
import { max } from "./max.ts";
import { pow } from "./pow.ts";
import { square } from "./square.ts";
import { sum } from "./sum.ts";

/** Settings of {@link norm}. */
export interface VectorNormOptions {
  /** p, above 0; default 2. `Infinity` is the largest absolute value. */
  readonly order?: number;
  /** Whether the axes are kept with size 1; default false. */
  readonly keepDims?: boolean;
}

/**
 * Length of vectors along `axes`: (Σ |x|ᵖ)^(1/p).
 *
 * @param x Any shape, f32.
 * @param axes Axes of the vectors; all by default.
 * @param options `order`, `keepDims`.
 * @returns The shape of `x` without `axes`, f32. The gradient at a vector of zeros is 0.
 * @throws {RangeError} when the order is not above 0.
 * @throws {ShapeError} when an axis is out of range or given twice.
 *
 * @example
 * ```ts
 * import { norm, tensor } from "@millrace/millrace";
 * import assert from "node:assert/strict";
 *
 * const x = tensor([[3, -4], [5, 12]]);
 * assert.deepEqual([...await norm(x, 1).data()], [5, 13]);
 * assert.deepEqual([...await norm(x, 1, { order: 1 }).data()], [7, 17]);
 * ```
 *
 * NumPy: `linalg.norm`; Keras: `ops.norm`, both with norms of matrices, too. PyTorch: `vector_norm`.
 */
export function norm(
  x: Tensor,
  axes?: number | readonly number[],
  { order = 2, keepDims = false }: VectorNormOptions = {},
): Tensor {
  if (!(order > 0)) {
    throw new RangeError(
      `Cannot apply norm as its order must be above 0, or Infinity: received ${order}`,
    );
  }
  if (order === 2) return flatRoot(sum(square(x), axes, { keepDims }), 0.5);
  if (order === 1) return sum(abs(x), axes, { keepDims });
  if (order === Infinity) return max(abs(x), axes, { keepDims });
  const powers = order < 1 ? flatRoot(abs(x), order) : pow(abs(x), order);
  const total = sum(powers, axes, { keepDims });
  return order < 1 ? pow(total, 1 / order) : flatRoot(total, 1 / order);
}
