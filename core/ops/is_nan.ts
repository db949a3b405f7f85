import { elementwise, type Unary } from "./elementwise.ts";
import { isReal } from "./is_finite.ts";

/**
 * True where x is NaN; f32 in, bool out.
 *
 * @example
 * ```ts
 * import { isNaN, tensor } from "@millrace/millrace";
 * import assert from "node:assert/strict";
 *
 * assert.deepEqual([...await isNaN(tensor([1, NaN, Infinity])).data()], [0, 1, 0]);
 * ```
 *
 * NumPy, Keras, PyTorch: `isnan`.
 */
export const isNaN: Unary = elementwise({
  name: "isNaN",
  types: isReal,
  // As integers, for shader compilers may take for granted that no float is NaN.
  wgsl: "(bitcast<i32>(x) & 0x7fffffff) > 0x7f800000",
  reference: (x) => Number.isNaN(x) ? 1 : 0,
  samples: [{ inputs: [[0, NaN, Infinity, -Infinity, 3e38, -NaN]], expected: [0, 1, 0, 0, 0, 1] }],
});
