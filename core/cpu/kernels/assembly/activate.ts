/** Powers and logarithms by the formulas of the ops, and the slopes of cells' activations. */
import { madd } from "./strips";

/** eˣ, four at a time. */
@inline export function exp4(x: v128): v128 {
  // With a number on the right, pmin and pmax pass NaN on, in one instruction.
  const c = f32x4.pmin(f32x4.pmax(x, f32x4.splat(-104)), f32x4.splat(89));
  const n = f32x4.floor(madd(c, f32x4.splat(1.44269504088896341), f32x4.splat(0.5)));
  const r = madd(n, f32x4.splat(2.12194440e-4), madd(n, f32x4.splat(-0.693359375), c));
  let p = f32x4.splat(1.9875691500e-4);
  p = madd(p, r, f32x4.splat(1.3981999507e-3));
  p = madd(p, r, f32x4.splat(8.3334519073e-3));
  p = madd(p, r, f32x4.splat(4.1665795894e-2));
  p = madd(p, r, f32x4.splat(1.6666665459e-1));
  p = madd(p, r, f32x4.splat(5.0000001201e-1));
  const y = f32x4.add(madd(p, f32x4.mul(r, r), r), f32x4.splat(1));
  // 2ⁿ in two factors: n = 128 and the denormals need both.
  const k = i32x4.trunc_sat_f32x4_s(n);
  const h = i32x4.shr_s(k, 1);
  const bias = i32x4.splat(127);
  const one = i32x4.shl(i32x4.add(h, bias), 23);
  const two = i32x4.shl(i32x4.add(i32x4.sub(k, h), bias), 23);
  return f32x4.mul(f32x4.mul(y, one), two);
}

// Not those of Mathf: their tables would lie in memory that is given to others.

/** eˣ of one number. */
export function power(x: f32): f32 {
  return f32x4.extract_lane(exp4(f32x4.splat(x)), 0);
}

/** Natural logarithm of a positive number that is no denormal one; NaN of NaN. */
export function logarithm(x: f32): f32 {
  if (x != x) return x;
  const bits = reinterpret<i32>(x);
  let exponent = (bits >> 23) - 126;
  let m = reinterpret<f32>((bits & 0x7fffff) | 0x3f000000);
  if (m < 0.70710678) {
    exponent -= 1;
    m = m + m - 1;
  } else {
    m = m - 1;
  }
  const z = m * m;
  let p: f32 = 7.0376836292e-2;
  p = p * m - 1.1514610310e-1;
  p = p * m + 1.1676998740e-1;
  p = p * m - 1.2420140846e-1;
  p = p * m + 1.4249322787e-1;
  p = p * m - 1.6668057665e-1;
  p = p * m + 2.0000714765e-1;
  p = p * m - 2.4999993993e-1;
  p = p * m + 3.3333331174e-1;
  const e = <f32> exponent;
  return m + (p * m * z - 2.12194440e-4 * e - 0.5 * z) + 0.693359375 * e;
}

/** The slope of an activation, from its value. */
@inline export function slope(kind: i32, y: v128): v128 {
  const ones = f32x4.splat(1);
  if (kind == 1) return f32x4.sub(ones, f32x4.mul(y, y));
  if (kind == 2) return f32x4.mul(y, f32x4.sub(ones, y));
  if (kind == 3) return v128.and(ones, f32x4.gt(y, f32x4.splat(0)));
  return ones;
}
