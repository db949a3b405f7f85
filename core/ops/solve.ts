import { ShapeError } from "../graph/errors.ts";
import { iota } from "../graph/leaf.ts";
import type { CompositeOperation } from "../graph/operation.ts";
import { broadcastShapes, formatShape, sizeOf } from "../graph/shape.ts";
import { commonDType, Tensor } from "../graph/tensor.ts";
import { cast } from "./cast.ts";
import { slice } from "./concat.ts";
import { checkSize, eliminated, solutions } from "./elimination.ts";
import { equal } from "./equal.ts";
import { matmul } from "./matmul.ts";
import { neg } from "./neg.ts";
import { register } from "./registry.ts";
import { reshape } from "./reshape.ts";
import { broadcastTo } from "./sum.ts";
import { swapLastAxes } from "./transpose.ts";

/** The op behind {@link solve}: of `[batch, n, n]` and `[batch, n, m]`. */
const solveOperation: CompositeOperation = register<CompositeOperation>({
  kind: "composite",
  name: "solve",
  infer: ([a, b]) => ({ shape: b.shape, dtype: commonDType("solve", [a, b], ["f32"]) }),
  reference: ([a, b], _attributes, output) =>
    solutions(a, b).forEach(({ solved }, row) => output.data.set(solved, row * solved.length)),
  expand: ([a, b]) => slice(eliminated("solve", a, b), [0, 0, 0], b.shape),
  vjp: (grad, node) => {
    const back = solve(swapLastAxes(node.inputs[0]), grad);
    return [neg(matmul(back, swapLastAxes(node))), back];
  },
});

/**
 * The solutions x of a · x = b, by elimination with the largest number of each column as its pivot; axes
 * before the matrices broadcast.
 *
 * A matrix is in the memory of one thread, or of a GPU's workgroup: there n · (n + m) may be 4,096, more
 * where a workgroup shares more than 16 KiB. Of a matrix without an inverse some solutions are not finite.
 *
 * @param a `[..., n, n]`, f32.
 * @param b `[..., n, m]`, or `[..., n]` with as many axes less than `a`, f32.
 * @returns The shape of `b`, f32.
 * @throws {ShapeError} when matrices are not square, sizes differ, or n · (n + m) is above 262,144.
 *
 * @example
 * ```ts
 * import { solve, tensor } from "@millrace/millrace";
 * import assert from "node:assert/strict";
 *
 * const x = solve(tensor([[2, 0], [0, 4]]), tensor([6, 8]));
 * assert.deepEqual([...await x.data()], [3, 2]);
 * ```
 *
 * With mixed_float16 matrices, right sides and solutions stay float32. jax.numpy, PyTorch:
 * `linalg.solve`. Keras: `ops.solve`.
 */
export function solve(a: Tensor, b: Tensor): Tensor {
  const size = checkSquare("solve", a);
  const isVector = b.rank === a.rank - 1;
  const right = isVector ? reshape(b, [...b.shape, 1]) : b;
  if (right.rank < 2 || right.shape[right.rank - 2] !== size) {
    throw new ShapeError(
      `Cannot apply solve as b must have a row for each of a's: received ${
        formatShape(a.shape)
      } and ` +
        formatShape(b.shape),
    );
  }
  const outer = broadcastShapes("solve", [a.shape.slice(0, -2), right.shape.slice(0, -2)]);
  const columns = right.shape[right.rank - 1];
  checkSize("solve", size, columns);
  const whole = (x: Tensor, width: number) =>
    reshape(broadcastTo(x, [...outer, size, width]), [sizeOf(outer), size, width]);
  const found = Tensor.node(solveOperation, [whole(a, size), whole(right, columns)]);
  return reshape(found, isVector ? [...outer, size] : [...outer, size, columns]);
}

/**
 * The inverses of matrices; see {@link solve}, which is better where one of them is only to be multiplied.
 *
 * @param x `[..., n, n]`, f32.
 * @returns The shape of `x`, f32.
 * @throws {ShapeError} when matrices are not square, or too large.
 *
 * @example
 * ```ts
 * import { inv, tensor } from "@millrace/millrace";
 * import assert from "node:assert/strict";
 *
 * assert.deepEqual([...await inv(tensor([[0, 2], [4, 0]])).data()], [0, 0.25, 0.5, 0]);
 * ```
 *
 * jax.numpy, PyTorch: `linalg.inv`. Keras: `ops.inv`.
 */
export function inv(x: Tensor): Tensor {
  const size = checkSquare("inv", x);
  checkSize("inv", size, size);
  const both = [size, size];
  const identity = cast(equal(iota(both, 0), iota(both, 1)), "f32");
  return solve(x, broadcastTo(identity, x.shape));
}

/** The size of square matrices; it refuses others. */
export function checkSquare(what: string, x: Tensor): number {
  const [rows, columns] = x.shape.slice(-2);
  if (x.rank >= 2 && rows === columns) return rows;
  throw new ShapeError(
    `Cannot apply ${what} as it needs square matrices in the last two axes: received ` +
      formatShape(x.shape),
  );
}
