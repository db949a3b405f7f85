import { elementwise, type TypeRule, type Unary } from "./elementwise.ts";
import { commonDType } from "../graph/tensor.ts";

/** A question about floats. */
export const isReal: TypeRule = (name, inputs) => {
  commonDType(name, inputs, ["f32"]);
  return "bool";
};

/**
 * True where x is neither NaN nor ±Infinity; f32 in, bool out.
 *
 * @example
 * ```ts
 * import { isFinite, tensor } from "@millrace/millrace";
 * import assert from "node:assert/strict";
 *
 * assert.deepEqual([...await isFinite(tensor([1, NaN, Infinity])).data()], [1, 0, 0]);
 * ```
 *
 * NumPy, Keras, PyTorch: `isfinite`.
 */
export const isFinite: Unary = elementwise({
  name: "isFinite",
  types: isReal,
  // As integers, for shader compilers may take for granted that no float is NaN.
  wgsl: "(bitcast<i32>(x) & 0x7fffffff) < 0x7f800000",
  reference: (x) => Number.isFinite(x) ? 1 : 0,
  samples: [{ inputs: [[0, NaN, Infinity, -Infinity, 3e38]], expected: [1, 0, 0, 0, 1] }],
});
