import { ShapeError } from "../graph/errors.ts";
import type { StructuredOperation } from "../graph/operation.ts";
import { broadcastShapes, formatShape, sizeOf } from "../graph/shape.ts";
import { commonDType, registerMethod, Tensor } from "../graph/tensor.ts";
import { register } from "./registry.ts";
import { broadcastTo } from "./sum.ts";
import { swapLastAxes } from "./transpose.ts";

/** The op behind {@link matmul}; its inputs have equal axes before the last two. */
const matmulOperation: StructuredOperation & { name: "matmul" } = register({
  kind: "structured",
  name: "matmul",
  infer: ([a, b]) => ({
    shape: [...a.shape.slice(0, -1), b.shape[b.rank - 1]],
    dtype: commonDType("matmul", [a, b], ["f32"]),
  }),
  reference: ([a, b], _attributes, output) => {
    const [rows, inner] = a.shape.slice(-2);
    const columns = b.shape[b.shape.length - 1];
    const batches = sizeOf(a.shape.slice(0, -2));
    for (let batch = 0; batch < batches; batch++) {
      for (let i = 0; i < rows; i++) {
        for (let j = 0; j < columns; j++) {
          let total = 0;
          for (let k = 0; k < inner; k++) {
            total += a.data[(batch * rows + i) * inner + k] *
              b.data[(batch * inner + k) * columns + j];
          }
          output.data[(batch * rows + i) * columns + j] = total;
        }
      }
    }
  },
  work: ([a], output) => ({ flops: 2 * sizeOf(output) * a[a.length - 1] }),
  vjp: (grad, node) => {
    const [a, b] = node.inputs;
    return [matmul(grad, swapLastAxes(b)), matmul(swapLastAxes(a), grad)];
  },
});

/**
 * Matrix product of the last two axes; the axes before them broadcast (NumPy: `matmul`).
 *
 * @param a `[..., m, k]`, f32.
 * @param b `[..., k, n]`, f32.
 * @returns `[..., m, n]`, f32.
 * @throws {ShapeError} when an operand has fewer than two axes, or inner sizes differ.
 *
 * @example
 * ```ts
 * import { matmul, tensor } from "@millrace/millrace";
 * import assert from "node:assert/strict";
 *
 * const a = tensor([[1, 2, 3], [4, 5, 6]]);
 * const b = tensor([[10, 11], [20, 21], [30, 31]]);
 * assert.deepEqual([...await matmul(a, b).data()], [140, 146, 320, 335]);
 * ```
 */
export function matmul(a: Tensor, b: Tensor): Tensor {
  if (a.rank < 2 || b.rank < 2 || a.shape[a.rank - 1] !== b.shape[b.rank - 2]) {
    throw new ShapeError(
      `Cannot apply matmul as operands need two axes or more and inner dimensions must match: ` +
        `received ${formatShape(a.shape)} x ${formatShape(b.shape)}`,
    );
  }
  const batch = broadcastShapes("matmul", [a.shape.slice(0, -2), b.shape.slice(0, -2)]);
  return Tensor.node(matmulOperation, [
    broadcastTo(a, [...batch, ...a.shape.slice(-2)]),
    broadcastTo(b, [...batch, ...b.shape.slice(-2)]),
  ]);
}
registerMethod("matmul", matmul);
