import { type Binary, elementwise } from "./elementwise.ts";
import { mul } from "./mul.ts";
import { neg } from "./neg.ts";

/**
 * Quotient x / y of two tensors, broadcast to one shape; f32.
 *
 * Division by zero gives ±Infinity, and 0 / 0 gives NaN.
 *
 * @example
 * ```ts
 * import { div, tensor } from "@millrace/millrace";
 * import assert from "node:assert/strict";
 *
 * assert.deepEqual([...await div(tensor([6, 9]), 3).data()], [2, 3]);
 * ```
 */
export const div: Binary = elementwise({
  name: "div",
  wgsl: "x / y",
  reference: (x, y) => x / y,
  vjp: (grad, _x, y, output) => {
    const part = div(grad, y);
    return [part, neg(mul(part, output))];
  },
  samples: [{ inputs: [[6, -1, 0], [3, 4, 5]], expected: [2, -0.25, 0] }],
  cost: 4,
});
