import { ShapeError } from "../../graph/errors.ts";
import { iota } from "../../graph/leaf.ts";
import { formatShape } from "../../graph/shape.ts";
import { abs } from "../../ops/abs.ts";
import { equal } from "../../ops/equal.ts";
import { matmul } from "../../ops/matmul.ts";
import { mul } from "../../ops/mul.ts";
import { select } from "../../ops/select.ts";
import { sum } from "../../ops/sum.ts";
import { transpose } from "../../ops/transpose.ts";
import { checkScalar } from "../check_scalar.ts";
import type { Regularizer } from "../regularizer.ts";
import { unitLength } from "../unit_length.ts";

/** Options of {@link orthogonalRegularizer}. */
export interface OrthogonalRegularizerOptions {
  /** Strength, at least 0; default 0.01. */
  readonly factor?: number;
  /** Which vectors are to be at right angles; default `rows`. */
  readonly mode?: "rows" | "columns";
}

/**
 * Penalty on a matrix whose rows, or columns, are not at right angles: factor times the mean size of
 * the cosines between two of them.
 *
 * factor · Σ |cos(i, j)| over pairs i < j, divided by their number.
 *
 * @param options `factor` and `mode`.
 * @returns A regularizer of matrices of two such vectors or more; it throws {@link ShapeError} for
 * others.
 * @throws {RangeError} when an option is out of its range.
 *
 * @example
 * ```ts
 * import { orthogonalRegularizer, tensor } from "@millrace/millrace";
 * import assert from "node:assert/strict";
 *
 * const regularizer = orthogonalRegularizer({ factor: 1 });
 * const [penalty] = await regularizer.apply(tensor([[1, 0], [3, 4]])).data();
 * assert(Math.abs(penalty - 0.6) < 1e-6);
 * ```
 *
 * Source: Keras's `OrthogonalRegularizer`. PyTorch has none.
 */
export function orthogonalRegularizer(options: OrthogonalRegularizerOptions = {}): Regularizer {
  const { factor = 0.01, mode = "rows" } = options;
  checkScalar("the factor of orthogonalRegularizer", factor, { minimum: 0 });
  if (mode !== "rows" && mode !== "columns") {
    throw new RangeError(
      `Cannot make orthogonalRegularizer as mode must be "rows" or "columns": received ${mode}`,
    );
  }
  const axis = mode === "rows" ? 0 : 1;
  return {
    name: "orthogonalRegularizer",
    config: { ...options },
    apply(parameter) {
      const size = parameter.shape[axis];
      if (parameter.rank !== 2 || size < 2) {
        throw new ShapeError(
          `Cannot apply orthogonalRegularizer as it needs a matrix of two ${mode} or more: received ` +
            formatShape(parameter.shape),
        );
      }
      const vectors = unitLength(parameter, 1 - axis);
      const turned = transpose(vectors);
      const cosines = axis === 0 ? matmul(vectors, turned) : matmul(turned, vectors);
      const itself = equal(iota([size, size], 0), iota([size, size], 1));
      // Every pair stands there twice, and there are size · (size − 1) / 2 of them.
      return mul(sum(abs(select(itself, 0, cosines))), factor / (size * (size - 1)));
    },
  };
}
