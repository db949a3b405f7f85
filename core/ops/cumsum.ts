import type { CompositeOperation } from "../graph/operation.ts";
import { normalizeAxis, sizeOf } from "../graph/shape.ts";
import { commonDType, Tensor } from "../graph/tensor.ts";
import { add } from "./add.ts";
import { slice } from "./concat.ts";
import { flip } from "./flip.ts";
import { register } from "./registry.ts";
import { pad } from "./stack.ts";

/** The op behind {@link cumsum}. */
const cumsumOperation: CompositeOperation = register({
  kind: "composite",
  name: "cumsum",
  infer: ([x]) => ({ shape: x.shape, dtype: commonDType("cumsum", [x], ["f32"]) }),
  reference: ([x], attributes, output) => {
    const axis = attributes.axis as number;
    const inner = sizeOf(x.shape.slice(axis + 1));
    x.data.forEach((value, at) => {
      const isFirst = Math.floor(at / inner) % x.shape[axis] === 0;
      output.data[at] = value + (isFirst ? 0 : output.data[at - inner]);
    });
  },
  vjp: (grad, node) => {
    const axis = node.attributes.axis as number;
    return [flip(cumsum(flip(grad, axis), axis), axis)];
  },
  // What is 1 place in front is added, then what is 2, 4, 8 … places in front.
  expand: ([x], attributes) => {
    const axis = attributes.axis as number;
    const size = x.shape[axis];
    let sums = x;
    for (let reach = 1; reach < size; reach *= 2) {
      const front = slice(sums, x.shape.map(() => 0), x.shape.with(axis, size - reach));
      sums = add(sums, pad(front, x.shape.map((_, place) => place === axis ? [reach, 0] : [0, 0])));
    }
    return sums;
  },
});

/**
 * Sums of all elements up to each one along an axis: y₀ = x₀, y₁ = x₀ + x₁ and so on.
 *
 * @param x Rank 1 or more, f32.
 * @param axis The axis; default the last.
 * @returns The shape of `x`, f32.
 * @throws {ShapeError} when the axis is out of range.
 *
 * @example
 * ```ts
 * import { cumsum, tensor } from "@millrace/millrace";
 * import assert from "node:assert/strict";
 *
 * assert.deepEqual([...await cumsum(tensor([[1, 2, 3], [4, 5, 6]])).data()], [1, 3, 6, 4, 9, 15]);
 * ```
 *
 * NumPy, Keras: `cumsum`, which lays all axes in one line by default. PyTorch: `cumsum`.
 */
export function cumsum(x: Tensor, axis = -1): Tensor {
  const along = normalizeAxis("cumsum", axis, x.rank);
  return x.shape[along] < 2 ? x : Tensor.node(cumsumOperation, [x], { axis: along });
}
