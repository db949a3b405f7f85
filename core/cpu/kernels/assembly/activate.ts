/** Activations of cells, four at a time, by the formulas of the ops of the same names. */
import { loadPart, storePart } from "./lanes";
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

@inline function sigmoid4(x: v128): v128 {
  const t = exp4(f32x4.neg(f32x4.abs(x)));
  const ones = f32x4.splat(1);
  const top = v128.bitselect(ones, t, f32x4.ge(x, f32x4.splat(0)));
  return f32x4.div(top, f32x4.add(ones, t));
}

@inline function tanh4(x: v128): v128 {
  const limit = f32x4.splat(7.90531110763549805);
  const v = f32x4.pmin(f32x4.pmax(x, f32x4.neg(limit)), limit);
  const q = f32x4.mul(v, v);
  let p = f32x4.splat(-2.76076847742355e-16);
  p = madd(p, q, f32x4.splat(2.00018790482477e-13));
  p = madd(p, q, f32x4.splat(-8.60467152213735e-11));
  p = madd(p, q, f32x4.splat(5.12229709037114e-8));
  p = madd(p, q, f32x4.splat(1.48572235717979e-5));
  p = madd(p, q, f32x4.splat(6.37261928875436e-4));
  p = madd(p, q, f32x4.splat(4.89352455891786e-3));
  let d = f32x4.splat(1.19825839466702e-6);
  d = madd(d, q, f32x4.splat(1.18534705686654e-4));
  d = madd(d, q, f32x4.splat(2.268434632439e-3));
  d = madd(d, q, f32x4.splat(4.89352518554385e-3));
  const ratio = f32x4.div(f32x4.mul(v, p), d);
  return v128.bitselect(x, ratio, f32x4.lt(f32x4.abs(x), f32x4.splat(0.0004)));
}

/** 0 linear, 1 tanh, 2 sigmoid, 3 relu. */
export function activate(kind: i32, x: v128): v128 {
  if (kind == 1) return tanh4(x);
  if (kind == 2) return sigmoid4(x);
  return kind == 3 ? f32x4.max(x, f32x4.splat(0)) : x;
}

/** Activates `count` numbers in place. */
export function activateRow(kind: i32, at: usize, count: i32): void {
  // Sixteen at once: V8 makes constants anew in each turn, which costs as much as the rest.
  if (kind == 2) {
    for (; count >= 16; count -= 16) {
      v128.store(at, sigmoid4(v128.load(at)));
      v128.store(at, sigmoid4(v128.load(at, 16)), 16);
      v128.store(at, sigmoid4(v128.load(at, 32)), 32);
      v128.store(at, sigmoid4(v128.load(at, 48)), 48);
      at += 64;
    }
  } else if (kind == 1) {
    for (; count >= 16; count -= 16) {
      v128.store(at, tanh4(v128.load(at)));
      v128.store(at, tanh4(v128.load(at, 16)), 16);
      v128.store(at, tanh4(v128.load(at, 32)), 32);
      v128.store(at, tanh4(v128.load(at, 48)), 48);
      at += 64;
    }
  }
  for (; count > 0; count -= 4) {
    storePart(at, count, activate(kind, loadPart(at, count)));
    at += 16;
  }
}

/** The slope of an activation, from its value. */
@inline export function slope(kind: i32, y: v128): v128 {
  const ones = f32x4.splat(1);
  if (kind == 1) return f32x4.sub(ones, f32x4.mul(y, y));
  if (kind == 2) return f32x4.mul(y, f32x4.sub(ones, y));
  if (kind == 3) return v128.and(ones, f32x4.gt(y, f32x4.splat(0)));
  return ones;
}
