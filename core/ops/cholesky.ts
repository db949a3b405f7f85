import type { StructuredOperation } from "../graph/operation.ts";
import { iota } from "../graph/leaf.ts";
import { sizeOf } from "../graph/shape.ts";
import { commonDType, Tensor } from "../graph/tensor.ts";
import { add } from "./add.ts";
import { checkSize } from "./elimination.ts";
import { equal } from "./equal.ts";
import { matmul } from "./matmul.ts";
import { mul } from "./mul.ts";
import { register } from "./registry.ts";
import { reshape } from "./reshape.ts";
import { select } from "./select.ts";
import { checkSquare, solve } from "./solve.ts";
import { swapLastAxes } from "./transpose.ts";
import { tril } from "./triangle.ts";

/** Of symmetric `[batch, n, n]`, of which the lower triangles are read. */
const choleskyOperation: StructuredOperation & { name: "cholesky" } = register({
  kind: "structured",
  name: "cholesky",
  infer: ([a]) => ({ shape: a.shape, dtype: commonDType("cholesky", [a], ["f32"]) }),
  reference: ([a], _attributes, output) => {
    const [batch, size] = a.shape;
    for (let at = 0; at < batch; at++) {
      const row = (i: number) => (at * size + i) * size;
      for (let j = 0; j < size; j++) {
        for (let i = j; i < size; i++) {
          let left = a.data[row(i) + j];
          for (let k = 0; k < j; k++) left -= output.data[row(i) + k] * output.data[row(j) + k];
          const root = left > 0 ? Math.sqrt(left) : NaN;
          output.data[row(i) + j] = i === j ? root : left / output.data[row(j) + j];
        }
      }
    }
  },
  work: ([[batch, size]]) => ({ flops: batch * size ** 3 / 3 }),
  vjp: (grad, node) => {
    const [size] = node.shape.slice(-1);
    const diagonal = equal(iota([size, size], 0), iota([size, size], 1));
    const half = mul(tril(matmul(swapLastAxes(node), grad)), select(diagonal, 0.5, 1));
    // L⁻ᵀ · half · L⁻¹, of which both halves are as good.
    const upper = swapLastAxes(node);
    const inner = swapLastAxes(solve(upper, swapLastAxes(solve(upper, half))));
    return [mul(add(inner, swapLastAxes(inner)), 0.5)];
  },
});

/**
 * The lower triangles L of which matrices are the products L · Lᵀ: roots of covariances.
 *
 * Of a matrix that is not symmetric the mean with its transpose is taken, as in jax.numpy. One that is not
 * positive definite gives NaN. A matrix is in the memory that a GPU's workgroup shares: there n may be 64,
 * more where that is more than 16 KiB.
 *
 * @param x `[..., n, n]`, f32, symmetric and positive definite.
 * @returns The shape of `x`, f32; 0 above the diagonals.
 * @throws {ShapeError} when matrices are not square, or n is above 512.
 *
 * @example
 * ```ts
 * import { cholesky, tensor } from "@millrace/millrace";
 * import assert from "node:assert/strict";
 *
 * const root = cholesky(tensor([[4, 2], [2, 10]]));
 * assert.deepEqual([...await root.data()], [2, 0, 1, 3]);
 * ```
 *
 * jax.numpy, PyTorch: `linalg.cholesky`. Keras: `ops.cholesky`.
 */
export function cholesky(x: Tensor): Tensor {
  const size = checkSquare("cholesky", x);
  checkSize("cholesky", size, 0);
  const lines = reshape(x, [sizeOf(x.shape.slice(0, -2)), size, size]);
  const symmetric = mul(add(lines, swapLastAxes(lines)), 0.5);
  return reshape(Tensor.node(choleskyOperation, [symmetric]), x.shape);
}
