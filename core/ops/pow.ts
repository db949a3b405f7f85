import type { TensorLike } from "../graph/tensor.ts";
import { registerMethod, Tensor } from "../graph/tensor.ts";
import { div } from "./div.ts";
import { type Binary, elementwise } from "./elementwise.ts";
import { equal } from "./equal.ts";
import { greater } from "./greater.ts";
import { log } from "./log.ts";
import { mul } from "./mul.ts";
import { select } from "./select.ts";
import { sqrt } from "./sqrt.ts";
import { square } from "./square.ts";
import { sub } from "./sub.ts";

const power: Binary = elementwise({
  name: "pow",
  // WGSL's pow is defined for bases above 0, and gives 0 for 0 to a negative power in Mesa. The sign
  // comes back for odd whole exponents; Infinity and NaN are made from bits of x, as constant ones are
  // errors in WGSL.
  wgsl: `let endless = bitcast<f32>(bitcast<u32>(abs(x)) | 0x7f800000u);
let size = select(pow(abs(x), y), endless, x == 0.0 && y < 0.0);
let isWhole = floor(y) == y;
let isOdd = isWhole && floor(0.5 * y) != 0.5 * y;
let withSign = select(size, -size, x < 0.0 && isOdd);
let undefinedPower = bitcast<f32>(bitcast<u32>(x) | 0x7fc00000u);
let value = select(withSign, undefinedPower, x < 0.0 && !isWhole);
select(value, 1.0, y == 0.0 || x == 1.0)`,
  reference: (x, y) => Math.pow(x, y),
  vjp: (grad, x, y, output) => {
    // The derivative in x is y·x^(y−1), which for y = 0 must not become 0·Infinity at x = 0; that in
    // y is output·log x, which is taken as 0 for x ≤ 0 (JAX's rule).
    const flat = equal(y, 0);
    const slope = select(flat, 0, mul(y, power(x, select(flat, 1, sub(y, 1)))));
    const positive = greater(x, 0);
    const growth = select(positive, mul(output, log(select(positive, x, 1))), 0);
    return [mul(grad, slope), mul(grad, growth)];
  },
  samples: [{
    inputs: [[2, -2, -2, 0, 0, 0, 0, 9, 1, -3], [3, 3, 2, 0, 2, -2, -0.5, 0.5, 7, -1]],
    expected: [8, -8, 4, 1, 0, Infinity, Infinity, 3, 1, -1 / 3],
    source: "NumPy's float_power",
  }],
  domain: [0.2, 3],
  cost: 40,
  tolerance: 64,
});

/**
 * xʸ, element by element, broadcast to one shape; f32.
 *
 * As in NumPy, a negative base has a value for a whole exponent and gives NaN for others, x⁰ is 1
 * for every x, and 0 to a negative power is Infinity (for −0 too). The gradient in y is 0 where x is
 * not above 0. A number 2, 1, 0.5, −1 or 3 as exponent becomes a square, a root, a quotient or a
 * product, which is faster and rounds less.
 *
 * @param x Base, any shape, f32.
 * @param y Exponent, a number or a tensor that broadcasts with `x`, f32.
 *
 * @example
 * ```ts
 * import { pow, tensor } from "@millrace/millrace";
 * import assert from "node:assert/strict";
 *
 * assert.deepEqual([...await pow(tensor([-2, 3]), 2).data()], [4, 9]);
 * ```
 */
export const pow: Binary = (x: TensorLike, y: TensorLike): Tensor => {
  if (!(x instanceof Tensor) || x.dtype !== "f32") return power(x, y);
  switch (y) {
    case 1:
      return x;
    case 2:
      return square(x);
    case 3:
      return mul(square(x), x);
    case 0.5:
      return sqrt(x);
    case -1:
      return div(1, x);
  }
  return power(x, y);
};
registerMethod("pow", pow);
