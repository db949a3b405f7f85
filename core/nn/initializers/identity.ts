import { ShapeError } from "../../graph/errors.ts";
import { formatShape } from "../../graph/shape.ts";
import { checkScalar } from "../check_scalar.ts";
import type { Initializer } from "../initializer.ts";

/**
 * A matrix with `gain` on its diagonal and 0 elsewhere. Options give it by its name, "identity".
 *
 * @param gain What stands on the diagonal; default 1.
 * @returns An initializer that uses no random numbers; it throws {@link ShapeError} for a weight that
 * is no matrix.
 * @throws {RangeError} when `gain` is not a finite number.
 *
 * @example
 * ```ts
 * import { identityInitializer, namedKey } from "@millrace/millrace";
 * import assert from "node:assert/strict";
 *
 * const values = identityInitializer(2).values([2, 3], namedKey(0, "kernel"));
 * assert.deepEqual([...values], [2, 0, 0, 0, 2, 0]);
 * ```
 *
 * Source: Keras's `Identity(gain)`. PyTorch: `nn.init.eye_`.
 */
export function identityInitializer(gain = 1): Initializer {
  checkScalar("the gain of identityInitializer", gain);
  return {
    name: "identity",
    config: { gain },
    values(shape) {
      if (shape.length !== 2) {
        throw new ShapeError(
          `Cannot make an identity as the weight must be a matrix: received ${formatShape(shape)}`,
        );
      }
      const [rows, columns] = shape;
      const values = new Float32Array(rows * columns);
      for (let at = 0; at < Math.min(rows, columns); at++) values[at * columns + at] = gain;
      return values;
    },
  };
}
