import { elementwise, type Unary } from "./elementwise.ts";
import { erfcReference } from "./erf.ts";
import { exp } from "./exp.ts";
import { mul } from "./mul.ts";
import { horner } from "./polynomial.ts";
import { square } from "./square.ts";

const exponent = [
  -1.26551223,
  1.00002368,
  0.37409196,
  0.09678418,
  -0.18628806,
  0.27886807,
  -1.13520398,
  1.48851587,
  -0.82215223,
  0.17087277,
];

/**
 * Φ(x), the share of a standard normal distribution below x: erfc(−x/√2) / 2.
 *
 * Its relative accuracy holds for negative x too, where (1 + erf(x/√2)) / 2 cancels; `gelu` is made
 * from it. PyTorch: `torch.special.ndtr`.
 *
 * @example
 * ```ts
 * import { normalCdf, tensor } from "@millrace/millrace";
 * import assert from "node:assert/strict";
 *
 * const [half, low] = await normalCdf(tensor([0, -3])).data();
 * assert.ok(Math.abs(half - 0.5) < 1e-6 && Math.abs(low / 0.0013498980 - 1) < 1e-5);
 * ```
 */
export const normalCdf: Unary = elementwise({
  name: "normalCdf",
  // Press et al., Numerical Recipes, erfcc: relative error below 1.2e-7 for every argument. From 10
  // standard deviations on the value is 0 or 1 in float32, and the square stays finite.
  wgsl: `let v = min(abs(x), 20.0) * 0.70710678;
let t = 1.0 / (1.0 + 0.5 * v);
let tail = 0.5 * t * exp(${horner("t", exponent)} - v * v);
select(tail, 1.0 - tail, x > 0.0)`,
  reference: (x) => erfcReference(-x / Math.SQRT2) / 2,
  vjp: (grad, x) => [mul(grad, mul(exp(mul(square(x), -0.5)), 1 / Math.sqrt(2 * Math.PI)))],
  samples: [{
    inputs: [[0, 1, -1, -3, -5, 9]],
    expected: [
      0.5,
      0.8413447460685429,
      0.15865525393145705,
      0.0013498980316300933,
      2.8665157187919333e-7,
      1,
    ],
    source: "Abramowitz and Stegun, table 26.1, and float64",
  }],
  cost: 30,
  tolerance: 32,
});
