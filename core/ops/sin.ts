import { elementwise, type Unary } from "./elementwise.ts";
import { mul } from "./mul.ts";
import { neg } from "./neg.ts";
import { horner } from "./polynomial.ts";

// Sine and cosine stand in one file because each is the other's gradient.

// x = k·π/2 + r with |r| ≤ π/4; π/2 is taken off in three parts, of which the first two have so few
// bits that k times them is exact. WGSL itself promises sin and cos to 2^-11 only. Parts and
// polynomials: Cephes, sinf.c (S. Moshier), https://www.netlib.org/cephes/
const shared = `let k = round(x * 0.63661975);
let rest = ((x - k * 1.5703125) - k * 4.837512969970703e-4) - k * 7.54978995489188e-8;
let r = clamp(rest, -0.8, 0.8);
let q = r * r;
let sine = r + r * q * (${horner("q", [-1.6666654611e-1, 8.3321608736e-3, -1.9515295891e-4])});
let cosine = 1.0 - 0.5 * q + q * q * (${
  horner("q", [4.166664568298827e-2, -1.388731625493765e-3, 2.443315711809948e-5])
});`;

/**
 * Sine of x in radians; accurate for |x| up to about 10⁵, and beyond only in [−1, 1].
 *
 * @example
 * ```ts
 * import { sin, tensor } from "@millrace/millrace";
 * import assert from "node:assert/strict";
 *
 * const [value] = await sin(tensor([Math.PI / 6])).data();
 * assert.ok(Math.abs(value - 0.5) < 1e-6);
 * ```
 */
export const sin: Unary = elementwise({
  name: "sin",
  wgsl: `${shared}
let quarter = i32(k);
let value = select(sine, cosine, (quarter & 1) == 1);
select(value, -value, (quarter & 2) == 2)`,
  reference: Math.sin,
  vjp: (grad, x) => [mul(grad, cos(x))],
  samples: [{
    inputs: [[0, 1e-4, 1, -2, 100]],
    expected: [
      0,
      9.999999983333334e-5,
      0.8414709848078965,
      -0.9092974268256817,
      -0.5063656411097588,
    ],
    source: "sin(x), float64",
  }],
  cost: 24,
  tolerance: 8,
});

/**
 * Cosine of x in radians; accurate for |x| up to about 10⁵, and beyond only in [−1, 1].
 *
 * @example
 * ```ts
 * import { cos, tensor } from "@millrace/millrace";
 * import assert from "node:assert/strict";
 *
 * assert.deepEqual([...await cos(tensor([0])).data()], [1]);
 * ```
 */
export const cos: Unary = elementwise({
  name: "cos",
  // cos x = sin(x + π/2): one quarter further.
  wgsl: `${shared}
let quarter = i32(k) + 1;
let value = select(sine, cosine, (quarter & 1) == 1);
select(value, -value, (quarter & 2) == 2)`,
  reference: Math.cos,
  vjp: (grad, x) => [neg(mul(grad, sin(x)))],
  samples: [{
    inputs: [[0, 1e-4, 1, -2, 100]],
    expected: [1, 0.999999995, 0.5403023058681398, -0.4161468365471424, 0.8623188722876839],
    source: "cos(x), float64",
  }],
  cost: 24,
  tolerance: 8,
});
