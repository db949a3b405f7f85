import { elementwise, signed, type Unary } from "./elementwise.ts";

/**
 * −x, element by element; f32 or i32.
 *
 * @example
 * ```ts
 * import { neg, tensor } from "@millrace/millrace";
 * import assert from "node:assert/strict";
 *
 * assert.deepEqual([...await neg(tensor([1, -2])).data()], [-1, 2]);
 * ```
 */
export const neg: Unary = elementwise({
  name: "neg",
  types: signed,
  wgsl: "-x",
  reference: (x) => -x,
  vjp: (grad) => [neg(grad)],
  samples: [{ inputs: [[-2, 3, 1e38]], expected: [2, -3, -1e38] }],
});
