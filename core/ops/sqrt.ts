import { elementwise, type Unary } from "./elementwise.ts";
import { div } from "./div.ts";
import { mul } from "./mul.ts";

/**
 * √x, element by element; NaN below 0. Its derivative at 0 is Infinity.
 *
 * @example
 * ```ts
 * import { sqrt, tensor } from "@millrace/millrace";
 * import assert from "node:assert/strict";
 *
 * assert.deepEqual([...await sqrt(tensor([4, 9])).data()], [2, 3]);
 * ```
 */
export const sqrt: Unary = elementwise({
  name: "sqrt",
  wgsl: "sqrt(x)",
  reference: Math.sqrt,
  vjp: (grad, _x, output) => [div(mul(grad, 0.5), output)],
  samples: [{ inputs: [[0, 4, 2]], expected: [0, 2, Math.SQRT2] }],
  domain: [0.1, 4],
  cost: 4,
});
