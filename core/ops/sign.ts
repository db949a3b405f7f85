import { elementwise, type Unary } from "./elementwise.ts";

/**
 * −1, 0 or 1 by the sign of x; f32. Its gradient is zero.
 *
 * @example
 * ```ts
 * import { sign, tensor } from "@millrace/millrace";
 * import assert from "node:assert/strict";
 *
 * assert.deepEqual([...await sign(tensor([-3, 0, 2])).data()], [-1, 0, 1]);
 * ```
 */
export const sign: Unary = elementwise({
  name: "sign",
  wgsl: "sign(x)",
  reference: Math.sign,
  vjp: () => [null],
  samples: [{ inputs: [[-2, 0, 1e-30]], expected: [-1, 0, 1] }],
});
