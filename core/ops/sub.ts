import { type Binary, elementwise, numeric } from "./elementwise.ts";
import { neg } from "./neg.ts";

/**
 * Difference x − y of two tensors, broadcast to one shape; integers wrap around.
 *
 * @example
 * ```ts
 * import { sub, tensor } from "@millrace/millrace";
 * import assert from "node:assert/strict";
 *
 * assert.deepEqual([...await sub(tensor([5, 7]), 2).data()], [3, 5]);
 * ```
 */
export const sub: Binary = elementwise({
  name: "sub",
  types: numeric,
  wgsl: "x - y",
  reference: (x, y) => x - y,
  vjp: (grad) => [grad, neg(grad)],
  samples: [{ inputs: [[1, -2, -3e38], [2, -2, 3e38]], expected: [-1, 0, -Infinity] }],
});
