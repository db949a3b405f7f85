import { DTypeError } from "../graph/errors.ts";
import { commonDType } from "../graph/tensor.ts";
import { literal } from "../graph/leaf.ts";
import { elementwise, type Ternary } from "./elementwise.ts";

/**
 * `y` where `x` is true, else `z` (NumPy: `where`).
 *
 * @example
 * ```ts
 * import { greater, select, tensor } from "@millrace/millrace";
 * import assert from "node:assert/strict";
 *
 * const x = tensor([-1, 2]);
 * assert.deepEqual([...await select(greater(x, 0), x, 0).data()], [0, 2]);
 * ```
 */
export const select: Ternary = elementwise({
  name: "select",
  types: (name, [condition, ...values]) => {
    if (condition.dtype !== "bool") {
      throw new DTypeError(
        `Cannot apply ${name} as its condition must be bool: received ${condition.dtype}`,
      );
    }
    return commonDType(name, values, ["f32", "i32", "u32", "bool"]);
  },
  wgsl: "select(z, y, x)",
  reference: (x, y, z) => x ? y : z,
  vjp: (grad, x) => [null, select(x, grad, literal(0)), select(x, literal(0), grad)],
  samples: [{ inputs: [[1, 0], [5, 6], [7, 8]], expected: [5, 8] }],
});
