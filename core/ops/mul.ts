import { type Binary, elementwise, numeric } from "./elementwise.ts";

/**
 * Product of two tensors, broadcast to one shape; integers wrap around.
 *
 * @example
 * ```ts
 * import { mul, tensor } from "@millrace/millrace";
 * import assert from "node:assert/strict";
 *
 * assert.deepEqual([...await mul(tensor([1, 2]), tensor([3, 4])).data()], [3, 8]);
 * ```
 */
export const mul: Binary = elementwise({
  name: "mul",
  types: numeric,
  wgsl: "x * y",
  reference: (x, y) => x * y,
  // A product of integers can pass 2^53, where float64 drops the low bits that wrap around.
  typedReference: (_inputs, output) => output === "f32" ? (x, y) => x * y : Math.imul,
  vjp: (grad, x, y) => [mul(grad, y), mul(grad, x)],
  samples: [{ inputs: [[2, -3, 0], [0.5, 7, 9]], expected: [1, -21, 0] }],
});
