import { elementwise, signed, type Unary } from "./elementwise.ts";
import { mul } from "./mul.ts";
import { sign } from "./sign.ts";

/**
 * |x|, element by element; f32 or i32. Its derivative at 0 is 0, as in PyTorch and JAX.
 *
 * @example
 * ```ts
 * import { abs, tensor } from "@millrace/millrace";
 * import assert from "node:assert/strict";
 *
 * assert.deepEqual([...await abs(tensor([-3, 2])).data()], [3, 2]);
 * ```
 */
export const abs: Unary = elementwise({
  name: "abs",
  types: signed,
  wgsl: "abs(x)",
  reference: Math.abs,
  vjp: (grad, x) => [mul(grad, sign(x))],
  samples: [{ inputs: [[-2, 0, 3]], expected: [2, 0, 3] }],
});
