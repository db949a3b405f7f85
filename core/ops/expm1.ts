import { add } from "./add.ts";
import { elementwise, type Unary } from "./elementwise.ts";
import { mul } from "./mul.ts";
import { horner } from "./polynomial.ts";

// Taylor's series; for |x| < 0.5 the first term left out is 1e-8 of the result.
const series = [2, 6, 24, 120, 720, 5040, 40320].map((factorial) => Math.fround(1 / factorial));

/** WGSL of {@link expm1} of the operand `x`, for the bodies of other ops. */
export const expm1Body: string = `select(exp(x) - 1.0, x + x * x * (${
  horner("x", series)
}), abs(x) < 0.5)`;

/**
 * eˣ − 1, accurate near 0.
 *
 * @example
 * ```ts
 * import { expm1, tensor } from "@millrace/millrace";
 * import assert from "node:assert/strict";
 *
 * const [value] = await expm1(tensor([1e-6])).data();
 * assert.ok(Math.abs(value / 1.0000005e-6 - 1) < 1e-6);
 * ```
 */
export const expm1: Unary = elementwise({
  name: "expm1",
  wgsl: expm1Body,
  reference: Math.expm1,
  vjp: (grad, _x, output) => [mul(grad, add(output, 1))],
  samples: [{
    inputs: [[0, 1e-6, -1e-6, 1, -20]],
    expected: [
      0,
      1.0000005000001665e-6,
      -9.999995000001666e-7,
      1.718281828459045,
      -0.9999999979388464,
    ],
    source: "expm1(x), float64",
  }],
  cost: 24,
  tolerance: 16,
});
