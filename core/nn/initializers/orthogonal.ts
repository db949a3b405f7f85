import { ShapeError } from "../../graph/errors.ts";
import { formatShape, sizeOf } from "../../graph/shape.ts";
import { RandomStream } from "../../state/random_stream.ts";
import { checkScalar } from "../check_scalar.ts";
import type { Initializer } from "../initializer.ts";

/**
 * A random matrix whose rows or columns, whichever are fewer, are at right angles and of length `gain`.
 *
 * Q of the decomposition of a matrix of normal numbers, in float64 on the host. All axes but the last
 * are taken together as rows.
 *
 * @param gain Length of the vectors; default 1.
 * @returns An initializer; it throws {@link ShapeError} for a weight of less than two axes.
 * @throws {RangeError} when `gain` is not a finite number.
 *
 * @example
 * ```ts
 * import { namedKey, orthogonal } from "@millrace/millrace";
 * import assert from "node:assert/strict";
 *
 * const [a, b, c, d] = orthogonal().values([2, 2], namedKey(1, "kernel"));
 * assert(Math.abs(a * b + c * d) < 1e-6 && Math.abs(a * a + c * c - 1) < 1e-6);
 * ```
 *
 * Source: A. Saxe and others, "Exact solutions to the nonlinear dynamics of learning in deep linear
 * neural networks", 2013; Keras's `Orthogonal(gain)`. PyTorch: `nn.init.orthogonal_`.
 */
export function orthogonal(gain = 1): Initializer {
  checkScalar("the gain of orthogonal", gain);
  return {
    name: "orthogonal",
    config: { gain },
    values(shape, key) {
      if (shape.length < 2) {
        throw new ShapeError(
          `Cannot make orthogonal values as the weight must have two axes or more: received ` +
            formatShape(shape),
        );
      }
      const columns = shape[shape.length - 1];
      const rows = sizeOf(shape.slice(0, -1));
      const [length, count] = [Math.max(rows, columns), Math.min(rows, columns)];
      const vectors = orthonormal(length, count, new RandomStream([key.key0, key.key1]));
      const values = new Float32Array(rows * columns);
      vectors.forEach((vector, place) =>
        vector.forEach((value, at) => {
          // The vectors are the rows where those are fewer.
          const [row, column] = rows < columns ? [place, at] : [at, place];
          values[row * columns + column] = gain * value;
        })
      );
      return values;
    },
  };
}

/** Normal vectors made orthogonal one by one: a QR decomposition whose R has a positive diagonal. */
function orthonormal(length: number, count: number, stream: RandomStream): Float64Array[] {
  const vectors: Float64Array[] = [];
  while (vectors.length < count) {
    const vector = Float64Array.from({ length }, () => stream.normal());
    let [before, after] = [Infinity, norm(vector)];
    // Again while much was taken off, which leaves rounding errors behind; twice is enough.
    for (let pass = 0; pass < 3 && after < 0.7 * before; pass++) {
      for (const other of vectors) subtractPart(vector, other);
      [before, after] = [after, norm(vector)];
    }
    for (let at = 0; at < length; at++) vector[at] /= after;
    vectors.push(vector);
  }
  return vectors;
}

/** Takes off what of `vector` lies along `unit`. */
function subtractPart(vector: Float64Array, unit: Float64Array): void {
  let part = 0;
  for (let at = 0; at < vector.length; at++) part += vector[at] * unit[at];
  for (let at = 0; at < vector.length; at++) vector[at] -= part * unit[at];
}

function norm(vector: Float64Array): number {
  let sum = 0;
  for (const value of vector) sum += value * value;
  return Math.sqrt(sum);
}
