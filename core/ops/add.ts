import { type Binary, elementwise, numeric } from "./elementwise.ts";

/**
 * Sum of two tensors, broadcast to one shape; integers wrap around.
 *
 * @example
 * ```ts
 * import { add, tensor } from "@millrace/millrace";
 * import assert from "node:assert/strict";
 *
 * assert.deepEqual([...await add(tensor([1, 2]), 10).data()], [11, 12]);
 * ```
 */
export const add: Binary = elementwise({
  name: "add",
  types: numeric,
  wgsl: "x + y",
  reference: (x, y) => x + y,
  vjp: (grad) => [grad, grad],
  samples: [{ inputs: [[1, -2, 3e38], [2, 2, 3e38]], expected: [3, 0, Infinity] }],
});
