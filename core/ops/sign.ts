import { elementwise, type Unary } from "./elementwise.ts";

/**
 * −1, 0 or 1 by the sign of x; f32; of NaN it is NaN. Its gradient is zero.
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
  // NaN is found by its bits, as shader compilers may take for granted that there is none.
  wgsl: `let bits = bitcast<u32>(x) & 0x7fffffffu;
select(sign(x), x, bits > 0x7f800000u)`,
  reference: Math.sign,
  vjp: () => [null],
  samples: [{ inputs: [[-2, 0, 1e-30, NaN]], expected: [-1, 0, 1, NaN] }],
  cost: 2,
});
