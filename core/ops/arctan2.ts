import { add } from "./add.ts";
import { div } from "./div.ts";
import { type Binary, elementwise } from "./elementwise.ts";
import { mul } from "./mul.ts";
import { neg } from "./neg.ts";
import { horner } from "./polynomial.ts";

// atan t for t from 0 to tan(π/8), after Cephes, atanf.c (S. Moshier), https://www.netlib.org/cephes/;
// above, atan t = π/4 + atan((t − 1) / (t + 1)).
const series = horner("q", [
  -3.33329491539e-1,
  1.99777106478e-1,
  -1.38776856032e-1,
  8.05374449538e-2,
]);

/**
 * The angle of the point (y, x) in radians, from −π to π: of the second number along, of the first one
 * up; broadcast to one shape. Of 0 and 0 it is 0, whatever their signs are.
 *
 * @example
 * ```ts
 * import { arctan2, tensor } from "@millrace/millrace";
 * import assert from "node:assert/strict";
 *
 * const [angle] = await arctan2(tensor([1]), tensor([-1])).data();
 * assert.ok(Math.abs(angle - 0.75 * Math.PI) < 1e-6);
 * ```
 */
export const arctan2: Binary = elementwise({
  name: "arctan2",
  wgsl: `let up = abs(x);
let along = abs(y);
let high = max(up, along);
let t = select(min(up, along) / high, select(1.0, 0.0, high == 0.0), up == along);
let steep = t > 0.41421356;
let u = select(t, (t - 1.0) / (t + 1.0), steep);
let q = u * u;
let inner = u + u * q * (${series}) + select(0.0, 0.78539816, steep);
let eighth = select(inner, 1.5707964 - inner, up > along);
let half = select(eighth, 3.1415927 - eighth, y < 0.0);
select(half, -half, x < 0.0)`,
  reference: (y, x) => y === 0 && x === 0 ? 0 : Math.atan2(y, x),
  vjp: (grad, y, x) => {
    const share = div(grad, add(mul(x, x), mul(y, y)));
    return [mul(share, x), neg(mul(share, y))];
  },
  samples: [{
    inputs: [
      [0, 0, 1, -1, 3, -1e-3, 5, 0, Infinity, -Infinity, Infinity, 2, -2],
      [0, 2, 0, -1, -4, -2, 1e-3, -1, Infinity, -Infinity, 3, Infinity, -Infinity],
    ],
    expected: [
      ...[0, 0, Math.PI / 2, -0.75 * Math.PI, 2.498091544796509],
      ...[-3.1410926536314593, 1.5705963267975632, Math.PI],
      ...[Math.PI / 4, -0.75 * Math.PI, Math.PI / 2, 0, -Math.PI],
    ],
    source: "atan2(y, x), float64",
  }],
  domain: [0.1, 4],
  cost: 30,
  tolerance: 8,
});
