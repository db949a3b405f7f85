import { ShapeError } from "../graph/errors.ts";
import { iota } from "../graph/leaf.ts";
import { formatShape, normalizeAxis, sizeOf } from "../graph/shape.ts";
import type { Tensor } from "../graph/tensor.ts";
import { equal } from "./equal.ts";
import { matmul } from "./matmul.ts";
import { mul } from "./mul.ts";
import { reshape } from "./reshape.ts";
import { select } from "./select.ts";
import { sum } from "./sum.ts";
import { transpose } from "./transpose.ts";

/**
 * Products of two tensors summed over axes of both.
 *
 * @param a Any shape, f32.
 * @param b Any shape, f32.
 * @param axes How many last axes of `a` and first axes of `b` (default 2), or which of each, in pairs.
 * @returns The other axes of `a` and then those of `b`, f32.
 * @throws {ShapeError} when the axes are not there, or not of one size.
 *
 * @example
 * ```ts
 * import { tensor, tensordot } from "@millrace/millrace";
 * import assert from "node:assert/strict";
 *
 * const product = tensordot(tensor([[1, 2], [3, 4]]), tensor([10, 1]), [[0], [0]]);
 * assert.deepEqual([...await product.data()], [13, 24]);
 * ```
 *
 * jax.numpy, Keras, PyTorch: `tensordot`.
 */
export function tensordot(
  a: Tensor,
  b: Tensor,
  axes: number | readonly [readonly number[], readonly number[]] = 2,
): Tensor {
  const [ofA, ofB] = typeof axes === "number" ? lastAndFirst(a, axes) : axes;
  const [mine, others] = [
    ofA.map((axis) => normalizeAxis("tensordot", axis, a.rank)),
    ofB.map((axis) => normalizeAxis("tensordot", axis, b.rank)),
  ];
  const fits = mine.length === others.length && new Set(mine).size === mine.length &&
    new Set(others).size === others.length &&
    mine.every((axis, place) => a.shape[axis] === b.shape[others[place]]);
  if (!fits) {
    throw new ShapeError(
      `Cannot apply tensordot as each axis of a must meet one of b, of the same size: received axes ` +
        `${mine.join(", ")} of ${formatShape(a.shape)} and ${others.join(", ")} of ` +
        formatShape(b.shape),
    );
  }
  const rest = (x: Tensor, used: readonly number[]) =>
    x.shape.map((_, axis) => axis).filter((axis) => !used.includes(axis));
  const [rows, columns] = [rest(a, mine), rest(b, others)];
  const sizes = (x: Tensor, of: readonly number[]) => of.map((axis) => x.shape[axis]);
  const inner = sizeOf(sizes(a, mine));
  const left = reshape(transpose(a, [...rows, ...mine]), [sizeOf(sizes(a, rows)), inner]);
  const right = reshape(transpose(b, [...others, ...columns]), [inner, sizeOf(sizes(b, columns))]);
  return reshape(matmul(left, right), [...sizes(a, rows), ...sizes(b, columns)]);
}

function lastAndFirst(a: Tensor, count: number): [number[], number[]] {
  const places = Array.from({ length: count }, (_, place) => place);
  return [places.map((place) => a.rank - count + place), places];
}

/**
 * Every product of a number of `a` and one of `b`.
 *
 * @param a Any shape, whose axes become one.
 * @param b Any shape of the same type, whose axes become one.
 * @returns `[a.size, b.size]`.
 *
 * @example
 * ```ts
 * import { outer, tensor } from "@millrace/millrace";
 * import assert from "node:assert/strict";
 *
 * assert.deepEqual([...await outer(tensor([1, 2]), tensor([3, 5])).data()], [3, 5, 6, 10]);
 * ```
 *
 * jax.numpy, Keras, PyTorch: `outer`.
 */
export function outer(a: Tensor, b: Tensor): Tensor {
  return mul(reshape(a, [a.size, 1]), reshape(b, [1, b.size]));
}

/**
 * The Kronecker product of two matrices: `b` times each number of `a`, in blocks.
 *
 * @param a `[m, n]`.
 * @param b `[p, q]`, of the same type.
 * @returns `[m · p, n · q]`.
 * @throws {ShapeError} when one of them is no matrix.
 *
 * @example
 * ```ts
 * import { kron, tensor } from "@millrace/millrace";
 * import assert from "node:assert/strict";
 *
 * const product = kron(tensor([[1, 10]]), tensor([[1, 2], [3, 4]]));
 * assert.deepEqual([...await product.data()], [1, 2, 10, 20, 3, 4, 30, 40]);
 * ```
 *
 * jax.numpy, PyTorch: `kron`, of any number of axes.
 */
export function kron(a: Tensor, b: Tensor): Tensor {
  if (a.rank !== 2 || b.rank !== 2) {
    throw new ShapeError(
      `Cannot apply kron as both must be matrices: received ${formatShape(a.shape)} and ` +
        formatShape(b.shape),
    );
  }
  const [[m, n], [p, q]] = [a.shape, b.shape];
  const blocks = mul(reshape(a, [m, 1, n, 1]), reshape(b, [1, p, 1, q]));
  return reshape(blocks, [m * p, n * q]);
}

/**
 * The sums of diagonals of matrices.
 *
 * @param x `[..., m, n]`, f32, i32 or u32.
 * @returns `[...]`, the type of `x`.
 * @throws {ShapeError} when `x` has no two axes.
 *
 * @example
 * ```ts
 * import { tensor, trace } from "@millrace/millrace";
 * import assert from "node:assert/strict";
 *
 * assert.deepEqual([...await trace(tensor([[1, 2], [3, 4]])).data()], [5]);
 * ```
 *
 * jax.numpy, Keras: `trace`, of the first two axes by default. PyTorch: `trace`.
 */
export function trace(x: Tensor): Tensor {
  if (x.rank < 2) {
    throw new ShapeError(
      `Cannot apply trace as it needs matrices in the last two axes: received ${
        formatShape(x.shape)
      }`,
    );
  }
  const [row, column] = [x.rank - 2, x.rank - 1];
  const onDiagonal = equal(iota(x.shape, row), iota(x.shape, column));
  return sum(select(onDiagonal, x, 0), [row, column]);
}
