import { elementwise, numeric, type Unary } from "./elementwise.ts";
import { mul } from "./mul.ts";

/**
 * x², element by element; integers wrap around.
 *
 * @example
 * ```ts
 * import { square, tensor } from "@millrace/millrace";
 * import assert from "node:assert/strict";
 *
 * assert.deepEqual([...await square(tensor([-3, 2])).data()], [9, 4]);
 * ```
 */
export const square: Unary = elementwise({
  name: "square",
  types: numeric,
  wgsl: "x * x",
  reference: (x) => x * x,
  typedReference: (_inputs, output) => (x) => output === "f32" ? x * x : Math.imul(x, x),
  vjp: (grad, x) => [mul(grad, mul(x, 2))],
  samples: [{ inputs: [[-2, 0, 1e20]], expected: [4, 0, Infinity] }],
});
