import { ShapeError } from "../graph/errors.ts";
import type { ViewOperation } from "../graph/operation.ts";
import { checkShape, formatShape, sameShape, type Shape, sizeOf } from "../graph/shape.ts";
import { registerMethod, Tensor } from "../graph/tensor.ts";
import { register } from "./registry.ts";

const reshapeOperation: ViewOperation = register({
  kind: "view",
  name: "reshape",
  infer: ([x], attributes) => ({ shape: attributes.shape as Shape, dtype: x.dtype }),
  reference: ([x], _attributes, output) => output.data.set(x.data),
  vjp: (grad, node) => [reshape(grad, node.inputs[0].shape)],
});

/**
 * The same elements, in the same order, as another shape.
 *
 * @param x Any shape and type.
 * @param shape Wanted sizes; one may be −1 and is then worked out.
 * @throws {ShapeError} when the number of elements differs.
 *
 * @example
 * ```ts
 * import { reshape, tensor } from "@millrace/millrace";
 * import assert from "node:assert/strict";
 *
 * assert.deepEqual(reshape(tensor([[1, 2], [3, 4]]), [-1]).shape, [4]);
 * ```
 */
export function reshape(x: Tensor, shape: Shape): Tensor {
  const known = sizeOf(shape.filter((size) => size !== -1));
  const free = shape.filter((size) => size === -1).length;
  const full = free === 1 && known > 0
    ? shape.map((size) => size === -1 ? x.size / known : size)
    : [...shape];
  if (free > 1 || full.some((size) => !Number.isInteger(size)) || sizeOf(full) !== x.size) {
    throw new ShapeError(
      `Cannot apply reshape as the number of elements must stay ${x.size}: received ${
        formatShape(x.shape)
      } to ${formatShape(shape)}`,
    );
  }
  checkShape("reshape", full);
  if (sameShape(full, x.shape)) return x;
  // A reshape of a reshape is one reshape: chains stay short and nodes are found again.
  const source = x.operation === reshapeOperation ? x.inputs[0] : x;
  if (sameShape(source.shape, full)) return source;
  return Tensor.node(reshapeOperation, [source], { shape: full });
}
registerMethod("reshape", reshape);
