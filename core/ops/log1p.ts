import { add } from "./add.ts";
import { div } from "./div.ts";
import { elementwise, type Unary } from "./elementwise.ts";
import { horner, inverseTangentSeries } from "./polynomial.ts";

/**
 * log(1 + x), accurate near 0; −Infinity at −1, NaN below it.
 *
 * @example
 * ```ts
 * import { log1p, tensor } from "@millrace/millrace";
 * import assert from "node:assert/strict";
 *
 * const [value] = await log1p(tensor([1e-6])).data();
 * assert.ok(Math.abs(value / 9.999995e-7 - 1) < 1e-6);
 * ```
 */
export const log1p: Unary = elementwise({
  name: "log1p",
  // With s = x / (2 + x), log(1 + x) = log((1 + s) / (1 − s)); for |s| < 0.18 five terms of the
  // series leave 2e-9. Outside, rounding 1 + x costs less than half a unit of the result.
  wgsl: `let s = x / (2.0 + x);
let q = s * s;
let near = 2.0 * s * (${horner("q", inverseTangentSeries(5))});
select(log(1.0 + x), near, x > -0.29 && x < 0.41)`,
  reference: Math.log1p,
  vjp: (grad, x) => [div(grad, add(x, 1))],
  samples: [{
    inputs: [[0, 1e-6, -1e-6, 1, 1e10, -0.5]],
    expected: [
      0,
      9.999995000003333e-7,
      -1.0000005000003333e-6,
      Math.LN2,
      23.025850930040455,
      -0.6931471805599453,
    ],
    source: "log1p(x), float64",
  }],
  domain: [-0.9, 4],
  cost: 24,
  tolerance: 16,
});
