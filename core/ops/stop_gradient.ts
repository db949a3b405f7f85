import type { TypeRule, Unary } from "./elementwise.ts";
import { elementwise } from "./elementwise.ts";
import { commonDType } from "../graph/tensor.ts";

const any: TypeRule = (name, inputs) => commonDType(name, inputs, ["f32", "i32", "u32", "bool"]);

/**
 * `x` as it is, through which no gradient flows (PyTorch: `detach`).
 *
 * @example
 * ```ts
 * import { grad, stopGradient, tensor } from "@millrace/millrace";
 * import assert from "node:assert/strict";
 *
 * const slope = grad((x) => x.mul(stopGradient(x)));
 * assert.deepEqual([...await slope(tensor(3)).data()], [3]);
 * ```
 */
export const stopGradient: Unary = elementwise({
  name: "stopGradient",
  types: any,
  wgsl: "x",
  reference: (x) => x,
  vjp: () => [null],
  samples: [{ inputs: [[-2, 0, 3]], expected: [-2, 0, 3] }],
});
