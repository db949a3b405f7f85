import { elementwise, type Unary } from "./elementwise.ts";
import { div } from "./div.ts";
import { horner, inverseTangentSeries } from "./polynomial.ts";

/**
 * Natural logarithm of x; −Infinity at 0, NaN below it.
 *
 * @example
 * ```ts
 * import { log, tensor } from "@millrace/millrace";
 * import assert from "node:assert/strict";
 *
 * assert.deepEqual([...await log(tensor([1])).data()], [0]);
 * ```
 */
export const log: Unary = elementwise({
  name: "log",
  // Near 1, where WGSL promises an absolute error only and a loss needs a relative one, it is
  // 2 artanh((x − 1) / (x + 1)); Mesa's own log is off by 3,700 units in the last place there.
  wgsl: `let s = (x - 1.0) / (x + 1.0);
let q = s * s;
let near = 2.0 * s * (${horner("q", inverseTangentSeries(5))});
select(log(x), near, x > 0.71 && x < 1.41)`,
  reference: Math.log,
  vjp: (grad, x) => [div(grad, x)],
  samples: [{
    inputs: [[1, 10, 1e-30, 0.999]],
    expected: [0, Math.LN10, -69.07755278982137, -0.0010005003335835344],
    source: "log(x), float64",
  }],
  domain: [0.1, 4],
  cost: 20,
  tolerance: 16,
});
