import { DTypeError, ShapeError } from "../graph/errors.ts";
import type { StructuredOperation } from "../graph/operation.ts";
import { formatShape, sizeOf } from "../graph/shape.ts";
import { Tensor } from "../graph/tensor.ts";
import { cast } from "./cast.ts";
import { register } from "./registry.ts";
import { reshape } from "./reshape.ts";

/** The op behind {@link bincount}: of `[lines, n]`. */
const bincountOperation: StructuredOperation & { name: "bincount" } = register({
  kind: "structured",
  name: "bincount",
  infer: ([x], attributes) => ({
    shape: [x.shape[0], attributes.length as number],
    dtype: "u32" as const,
  }),
  reference: ([x], _attributes, output) => {
    const [lines, size] = x.shape;
    const length = output.shape[1];
    for (let e = 0; e < lines * size; e++) {
      const bin = x.data[e];
      if (bin < length) output.data[Math.floor(e / size) * length + bin]++;
    }
  },
  work: ([x]) => ({ flops: sizeOf(x) }),
});

/**
 * How often each number from 0 stands in each line of the last axis.
 *
 * @param x `[..., n]`, u32 or i32; numbers out of range are not counted.
 * @param length How many numbers are counted, from 1: those below it.
 * @returns `[..., length]`, u32. No gradient flows through it.
 * @throws {ShapeError} when `x` has no axis, or `length` is not a whole number from 1.
 * @throws {DTypeError} when `x` is not of whole numbers.
 *
 * @example
 * ```ts
 * import { bincount, tensor } from "@millrace/millrace";
 * import assert from "node:assert/strict";
 *
 * const dice = tensor([[1, 3, 1], [2, 2, 9]], { dtype: "u32" });
 * assert.deepEqual([...await bincount(dice, 4).data()], [0, 2, 0, 1, 0, 0, 2, 0]);
 * ```
 *
 * jax.numpy, PyTorch: `bincount`, of one line. Keras: `ops.bincount`, of one or of lines.
 */
export function bincount(x: Tensor, length: number): Tensor {
  if (x.dtype !== "u32" && x.dtype !== "i32") {
    throw new DTypeError(
      `Cannot apply bincount as it counts whole numbers, u32 or i32: received ${x.dtype} ` +
        "(convert with cast)",
    );
  }
  if (x.rank === 0 || !Number.isSafeInteger(length) || length < 1) {
    throw new ShapeError(
      `Cannot apply bincount as x must have an axis, and length must be a whole number from 1: ` +
        `received ${formatShape(x.shape)} and ${length}`,
    );
  }
  const outer = x.shape.slice(0, -1);
  const lines = reshape(x, [sizeOf(outer), x.shape[x.rank - 1]]);
  // As u32 a negative number is a large one.
  const counts = Tensor.node(bincountOperation, [cast(lines, "u32")], { length });
  return reshape(counts, [...outer, length]);
}
