import { type Binary, elementwise, numeric } from "./elementwise.ts";
import { equal } from "./equal.ts";
import { greater } from "./greater.ts";
import { mul } from "./mul.ts";
import { select } from "./select.ts";
import { sub } from "./sub.ts";

/**
 * Larger of x and y, element by element, broadcast to one shape.
 *
 * Where they are equal each gets half of the gradient, as in JAX and PyTorch. What comes of NaN
 * is left to the device, as WGSL leaves it.
 *
 * @example
 * ```ts
 * import { maximum, tensor } from "@millrace/millrace";
 * import assert from "node:assert/strict";
 *
 * assert.deepEqual([...await maximum(tensor([1, 5]), 2).data()], [2, 5]);
 * ```
 */
export const maximum: Binary = elementwise({
  name: "maximum",
  types: numeric,
  wgsl: "max(x, y)",
  reference: (x, y) => Math.max(x, y),
  vjp: (grad, x, y) => {
    const share = select(equal(x, y), 0.5, select(greater(x, y), 1, 0));
    const part = mul(grad, share);
    return [part, sub(grad, part)];
  },
  samples: [{ inputs: [[1, 2, 3], [2, 2, -2]], expected: [2, 2, 3] }],
});
