import { iota } from "../graph/leaf.ts";
import type { CompositeOperation } from "../graph/operation.ts";
import { normalizeAxes, sizeOf } from "../graph/shape.ts";
import { Tensor } from "../graph/tensor.ts";
import { gather } from "./gather.ts";
import { register } from "./registry.ts";
import { sub } from "./sub.ts";
import { transpose } from "./transpose.ts";

/** The op behind {@link flip}: one axis from its end. */
const flipOperation: CompositeOperation = register({
  kind: "composite",
  name: "flip",
  infer: ([x]) => ({ shape: x.shape, dtype: x.dtype }),
  reference: ([x], attributes, output) => {
    const size = x.shape[attributes.axis as number];
    const inner = sizeOf(x.shape.slice(attributes.axis as number + 1));
    x.data.forEach((value, at) => {
      const place = Math.floor(at / inner) % size;
      output.data[at + (size - 1 - 2 * place) * inner] = value;
    });
  },
  vjp: (grad, node) => [Tensor.node(flipOperation, [grad], node.attributes)],
  expand: ([x], attributes) => {
    const axis = attributes.axis as number;
    const toFront = x.shape.map((_, place) => place === 0 ? axis : place === axis ? 0 : place);
    const size = x.shape[axis];
    return transpose(gather(transpose(x, toFront), sub(size - 1, iota([size], 0, "i32"))), toFront);
  },
});

/**
 * `x` with its elements along axes from the last to the first.
 *
 * @param x Any shape, f32, i32 or u32.
 * @param axes Axes to turn around; all by default.
 * @returns The shape and type of `x`.
 * @throws {ShapeError} when an axis is out of range or given twice.
 *
 * @example
 * ```ts
 * import { flip, tensor } from "@millrace/millrace";
 * import assert from "node:assert/strict";
 *
 * assert.deepEqual([...await flip(tensor([[1, 2], [3, 4]]), 1).data()], [2, 1, 4, 3]);
 * ```
 */
export function flip(x: Tensor, axes?: number | readonly number[]): Tensor {
  return normalizeAxes("flip", axes, x.rank)
    .filter((axis) => x.shape[axis] > 1)
    .reduce((turned: Tensor, axis) => Tensor.node(flipOperation, [turned], { axis }), x);
}
