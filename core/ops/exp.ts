import { elementwise, type Unary } from "./elementwise.ts";
import { mul } from "./mul.ts";

/**
 * eˣ, element by element.
 *
 * @example
 * ```ts
 * import { exp, tensor } from "@millrace/millrace";
 * import assert from "node:assert/strict";
 *
 * assert.deepEqual([...await exp(tensor([0])).data()], [1]);
 * ```
 */
export const exp: Unary = elementwise({
  name: "exp",
  wgsl: "exp(x)",
  reference: Math.exp,
  vjp: (grad, _x, output) => [mul(grad, output)],
  samples: [{
    inputs: [[0, 1, -20, 88]],
    expected: [1, Math.E, 2.061153622438558e-9, 1.6516362549940018e38],
    source: "exp(x), float64",
  }],
  cost: 12,
  // WGSL allows 3 + 2·|x| units.
  tolerance: 64,
});
