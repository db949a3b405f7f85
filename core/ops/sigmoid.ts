import { elementwise, type Unary } from "./elementwise.ts";
import { mul } from "./mul.ts";
import { sub } from "./sub.ts";

/**
 * Logistic function 1 / (1 + e⁻ˣ), element by element.
 *
 * @example
 * ```ts
 * import { sigmoid, tensor } from "@millrace/millrace";
 * import assert from "node:assert/strict";
 *
 * assert.deepEqual([...await sigmoid(tensor([0])).data()], [0.5]);
 * ```
 */
export const sigmoid: Unary = elementwise({
  name: "sigmoid",
  // From e^−|x|, which cannot overflow.
  wgsl: `let t = exp(-abs(x));
select(t, 1.0, x >= 0.0) / (1.0 + t)`,
  reference: (x) => 1 / (1 + Math.exp(-x)),
  vjp: (grad, _x, output) => [mul(grad, mul(output, sub(1, output)))],
  samples: [{
    inputs: [[-20, -1, 0, 1, 200]],
    expected: [2.0611536181902037e-9, 0.2689414213699951, 0.5, 0.7310585786300049, 1],
    source: "1 / (1 + exp(-x)), float64",
  }],
  cost: 18,
  tolerance: 16,
});
