import { ShapeError } from "../graph/errors.ts";
import { iota, literal } from "../graph/leaf.ts";
import { formatShape } from "../graph/shape.ts";
import type { Tensor } from "../graph/tensor.ts";
import { add } from "./add.ts";
import { greater } from "./greater.ts";
import { less } from "./less.ts";
import { select } from "./select.ts";

/**
 * The lower triangles of matrices; 0 above.
 *
 * @param x `[..., rows, columns]`, f32, i32 or u32.
 * @param diagonal The last diagonal that is kept: 0 (default) from the first corner, above 0 above it.
 * @returns The shape and type of `x`.
 * @throws {ShapeError} when `x` has no two axes, or the diagonal is not a whole number.
 *
 * @example
 * ```ts
 * import { tensor, tril } from "@millrace/millrace";
 * import assert from "node:assert/strict";
 *
 * assert.deepEqual([...await tril(tensor([[1, 2], [3, 4]])).data()], [1, 0, 3, 4]);
 * ```
 */
export function tril(x: Tensor, diagonal = 0): Tensor {
  const { rows, columns } = placesOf("tril", x, diagonal);
  return select(greater(columns, add(rows, diagonal)), literal(0, x.dtype), x);
}

/**
 * The upper triangles of matrices; 0 below.
 *
 * @param x `[..., rows, columns]`, f32, i32 or u32.
 * @param diagonal The first diagonal that is kept: 0 (default) from the first corner, above 0 above it.
 * @returns The shape and type of `x`.
 * @throws {ShapeError} when `x` has no two axes, or the diagonal is not a whole number.
 *
 * @example
 * ```ts
 * import { tensor, triu } from "@millrace/millrace";
 * import assert from "node:assert/strict";
 *
 * assert.deepEqual([...await triu(tensor([[1, 2], [3, 4]]), 1).data()], [0, 2, 0, 0]);
 * ```
 */
export function triu(x: Tensor, diagonal = 0): Tensor {
  const { rows, columns } = placesOf("triu", x, diagonal);
  return select(less(columns, add(rows, diagonal)), literal(0, x.dtype), x);
}

function placesOf(op: string, x: Tensor, diagonal: number): { rows: Tensor; columns: Tensor } {
  if (x.rank < 2 || !Number.isInteger(diagonal)) {
    throw new ShapeError(
      `Cannot apply ${op} as it is of matrices and a whole diagonal: received ` +
        `${formatShape(x.shape)} and ${diagonal}`,
    );
  }
  const [height, width] = x.shape.slice(-2);
  return { rows: iota([height, 1], 0, "i32"), columns: iota([1, width], 1, "i32") };
}
