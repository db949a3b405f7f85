import { elementwise, type Unary } from "./elementwise.ts";
import { exp } from "./exp.ts";
import { mul } from "./mul.ts";
import { neg } from "./neg.ts";
import { horner } from "./polynomial.ts";
import { square } from "./square.ts";

const numerator = [
  -1.60960333262415e-2,
  -2.95459980854025e-3,
  -7.34990630326855e-4,
  -5.69250639462346e-5,
  -2.10102402082508e-6,
  2.77068142495902e-8,
  -2.72614225801306e-10,
];
const denominator = [
  -1.42647390514189e-2,
  -7.37332916720468e-3,
  -1.68282697438203e-3,
  -2.13374055278905e-4,
  -1.45660718464996e-5,
];

/**
 * Error function 2/√π ∫₀ˣ e^(−t²) dt, element by element.
 *
 * On devices it is the rational approximation of Eigen and XLA (`ErfF32`).
 *
 * @example
 * ```ts
 * import { erf, tensor } from "@millrace/millrace";
 * import assert from "node:assert/strict";
 *
 * const [value] = await erf(tensor([1])).data();
 * assert.ok(Math.abs(value - 0.8427008) < 1e-6);
 * ```
 */
export const erf: Unary = elementwise({
  name: "erf",
  wgsl: `let v = clamp(x, -4.0, 4.0);
let q = v * v;
v * (${horner("q", numerator)}) / (${horner("q", denominator)})`,
  reference: erfReference,
  vjp: (grad, x) => [mul(grad, mul(exp(neg(square(x))), 2 / Math.sqrt(Math.PI)))],
  samples: [{
    inputs: [[0, 0.5, -1, 2, 5, -1e-6]],
    expected: [
      0,
      0.5204998778130465,
      -0.8427007929497149,
      0.9953222650189527,
      0.9999999999984626,
      -1.1283791670951501e-6,
    ],
    source: "Abramowitz and Stegun, table 7.1, and float64",
  }],
  cost: 20,
  tolerance: 8,
});

/**
 * The error function in float64: e^(−x²) · 2/√π · Σ 2ⁿ x²ⁿ⁺¹ / (1·3·…·(2n+1)).
 *
 * All terms have one sign, so that nothing cancels (Abramowitz and Stegun, 7.1.6).
 */
function erfReference(x: number): number {
  if (Math.abs(x) > 6) return Math.sign(x);
  let term = x;
  let total = x;
  for (let n = 1; Math.abs(term) > 1e-18 * Math.abs(total); n++) {
    term *= 2 * x * x / (2 * n + 1);
    total += term;
  }
  return 2 / Math.sqrt(Math.PI) * Math.exp(-x * x) * total;
}

/**
 * 1 − erf(x) in float64, with its relative accuracy kept for large x.
 *
 * From 2 up it is the continued fraction e^(−x²)/√π · 1/(x + ½/(x + 1/(x + 1½/(x + …)))) (Abramowitz
 * and Stegun, 7.1.14), from the inside out.
 */
export function erfcReference(x: number): number {
  if (x < 2) return 1 - erfReference(x);
  let fraction = x;
  for (let n = 120; n > 0; n--) fraction = x + n / 2 / fraction;
  return Math.exp(-x * x) / Math.sqrt(Math.PI) / fraction;
}
