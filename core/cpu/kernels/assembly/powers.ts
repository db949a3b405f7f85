/** eˣ for loops over rows: half the instructions of `exp4`, with its constants read ahead of the loop. */
import { madd } from "./strips";

/**
 * Writes down the constants of {@link power4}, bytes 32 to 207 of a list: V8 would make those of the
 * code anew at every use, which takes as long as all the rest.
 */
export function listPowers(at: usize): void {
  v128.store(at, f32x4.splat(1.44269504088896341), 32);
  v128.store(at, f32x4.splat(12582912), 48);
  v128.store(at, f32x4.splat(-0.693359375), 64);
  v128.store(at, f32x4.splat(2.12194440e-4), 80);
  v128.store(at, f32x4.splat(1.9875691500e-4), 96);
  v128.store(at, f32x4.splat(1.3981999507e-3), 112);
  v128.store(at, f32x4.splat(8.3334519073e-3), 128);
  v128.store(at, f32x4.splat(4.1665795894e-2), 144);
  v128.store(at, f32x4.splat(1.6666665459e-1), 160);
  v128.store(at, f32x4.splat(5.0000001201e-1), 176);
  v128.store(at, f32x4.splat(1), 192);
}

/**
 * eˣ, four at a time, of numbers between -87.33 and 88. The sum with 1.5·2²³ is rounded to a whole
 * number, whose last bits then are the exponent. The other arguments are the listed constants, in
 * their order.
 */
@inline export function power4(
  x: v128,
  factor: v128,
  magic: v128,
  high: v128,
  low: v128,
  p5: v128,
  p4: v128,
  p3: v128,
  p2: v128,
  p1: v128,
  p0: v128,
  ones: v128,
): v128 {
  const shifted = madd(x, factor, magic);
  const n = f32x4.sub(shifted, magic);
  const r = madd(n, low, madd(n, high, x));
  let p = madd(p5, r, p4);
  p = madd(p, r, p3);
  p = madd(p, r, p2);
  p = madd(p, r, p1);
  p = madd(p, r, p0);
  const y = f32x4.add(madd(p, f32x4.mul(r, r), r), ones);
  return i32x4.add(y, i32x4.shl(shifted, 23));
}
