import { elementwise, type Unary } from "./elementwise.ts";
import { mul } from "./mul.ts";
import { horner } from "./polynomial.ts";
import { square } from "./square.ts";
import { sub } from "./sub.ts";

const numerator = [
  4.89352455891786e-3,
  6.37261928875436e-4,
  1.48572235717979e-5,
  5.12229709037114e-8,
  -8.60467152213735e-11,
  2.00018790482477e-13,
  -2.76076847742355e-16,
];
const denominator = [
  4.89352518554385e-3,
  2.268434632439e-3,
  1.18534705686654e-4,
  1.19825839466702e-6,
];

/**
 * Hyperbolic tangent, element by element.
 *
 * The rational approximation of Eigen (`generic_fast_tanh_float`): it needs no exponential, cannot
 * overflow as some drivers' `tanh` does, and keeps its relative accuracy near 0.
 *
 * @example
 * ```ts
 * import { tanh, tensor } from "@millrace/millrace";
 * import assert from "node:assert/strict";
 *
 * assert.deepEqual([...await tanh(tensor([0])).data()], [0]);
 * ```
 */
export const tanh: Unary = elementwise({
  name: "tanh",
  wgsl: `let v = clamp(x, -7.90531110763549805, 7.90531110763549805);
let q = v * v;
let ratio = v * (${horner("q", numerator)}) / (${horner("q", denominator)});
select(ratio, x, abs(x) < 0.0004)`,
  reference: Math.tanh,
  vjp: (grad, _x, output) => [mul(grad, sub(1, square(output)))],
  samples: [{
    inputs: [[-100, -1, 0, 1e-6, 0.5, 100]],
    expected: [-1, -0.7615941559557649, 0, 9.999999999996667e-7, 0.46211715726000973, 1],
    source: "tanh(x), float64",
  }],
  cost: 20,
  tolerance: 8,
});
