import { elementwise, type Unary } from "./elementwise.ts";
import { mul } from "./mul.ts";
import { horner, inverseTangentSeries } from "./polynomial.ts";
import { sigmoid } from "./sigmoid.ts";

/**
 * log(1 + eˣ), element by element, without overflow: max(x, 0) + log1p(e^−|x|).
 *
 * @example
 * ```ts
 * import { softplus, tensor } from "@millrace/millrace";
 * import assert from "node:assert/strict";
 *
 * assert.deepEqual([...await softplus(tensor([0, 100])).data()], [Math.fround(Math.LN2), 100]);
 * ```
 */
export const softplus: Unary = elementwise({
  name: "softplus",
  // log1p(t) as 2 artanh(t / (2 + t)): t is at most 1, so the argument is at most 1/3 and eight
  // terms leave 3e-9. A plain log(1 + t) gives 0 from x = −17 down.
  wgsl: `let t = exp(-abs(x));
let s = t / (2.0 + t);
let q = s * s;
max(x, 0.0) + 2.0 * s * (${horner("q", inverseTangentSeries(8))})`,
  reference: (x) => Math.max(x, 0) + Math.log1p(Math.exp(-Math.abs(x))),
  vjp: (grad, x) => [mul(grad, sigmoid(x))],
  samples: [{
    inputs: [[-20, 0, 20]],
    expected: [2.061153620314381e-9, Math.LN2, 20.000000002061153],
    source: "log1p(exp(x)), float64",
  }],
  cost: 32,
  tolerance: 16,
});
