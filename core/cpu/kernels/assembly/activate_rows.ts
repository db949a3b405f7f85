/**
 * Activations of cells, a row at a time, by the formulas of the ops of the same names. Constants are
 * read from memory ahead of the loops: V8 would make those of the code anew in each turn, which takes
 * as long as all the rest.
 */
import { loadPart, storePart } from "./lanes";
import { listPowers, power4 } from "./powers";
import { madd } from "./strips";

/** Writes down the constants of rows. */
export function listConstants(at: usize): void {
  v128.store(at, f32x4.splat(-0.0), 0);
  v128.store(at, f32x4.splat(-87.33), 16);
  listPowers(at);
  v128.store(at, f32x4.splat(0), 208);
  v128.store(at, f32x4.splat(7.90531110763549805), 224);
  v128.store(at, f32x4.splat(-7.90531110763549805), 240);
  v128.store(at, f32x4.splat(-2.76076847742355e-16), 256);
  v128.store(at, f32x4.splat(2.00018790482477e-13), 272);
  v128.store(at, f32x4.splat(-8.60467152213735e-11), 288);
  v128.store(at, f32x4.splat(5.12229709037114e-8), 304);
  v128.store(at, f32x4.splat(1.48572235717979e-5), 320);
  v128.store(at, f32x4.splat(6.37261928875436e-4), 336);
  v128.store(at, f32x4.splat(4.89352455891786e-3), 352);
  v128.store(at, f32x4.splat(1.19825839466702e-6), 368);
  v128.store(at, f32x4.splat(1.18534705686654e-4), 384);
  v128.store(at, f32x4.splat(2.268434632439e-3), 400);
  v128.store(at, f32x4.splat(4.89352518554385e-3), 416);
  v128.store(at, f32x4.splat(0.0004), 432);
}

/** What is activated: the numbers at `at`, or, where x is given, their sums with x and bias. */
@inline function sum4(at: usize, x: usize, bias: usize, count: i32): v128 {
  const value = loadPart(at, count);
  return x ? f32x4.add(f32x4.add(value, loadPart(x, count)), loadPart(bias, count)) : value;
}

/**
 * 1 / (1 + e⁻ˣ) from t = e⁻|x|: 1 / (1 + t), or t / (1 + t) where x is below 0. Powers below the
 * normal numbers become 0.
 */
function sigmoidRow(at: usize, x: usize, bias: usize, count: i32, constants: usize): void {
  const sign = v128.load(constants, 0);
  const lowest = v128.load(constants, 16);
  const scale = v128.load(constants, 32);
  const magic = v128.load(constants, 48);
  const high = v128.load(constants, 64);
  const low = v128.load(constants, 80);
  const p5 = v128.load(constants, 96);
  const p4 = v128.load(constants, 112);
  const p3 = v128.load(constants, 128);
  const p2 = v128.load(constants, 144);
  const p1 = v128.load(constants, 160);
  const p0 = v128.load(constants, 176);
  const ones = v128.load(constants, 192);
  const none = v128.load(constants, 208);
  for (; count > 0; count -= 4) {
    const value = sum4(at, x, bias, count);
    const negative = v128.or(value, sign);
    const c = f32x4.pmax(negative, lowest);
    const power = power4(c, scale, magic, high, low, p5, p4, p3, p2, p1, p0, ones);
    const t = v128.andnot(power, f32x4.lt(negative, lowest));
    const top = v128.bitselect(ones, t, f32x4.ge(value, none));
    storePart(at, count, f32x4.div(top, f32x4.add(ones, t)));
    at += 16;
    if (x) {
      x += 16;
      bias += 16;
    }
  }
}

function tanhRow(at: usize, x: usize, bias: usize, count: i32, constants: usize): void {
  const limit = v128.load(constants, 224);
  const lowest = v128.load(constants, 240);
  const p6 = v128.load(constants, 256);
  const p5 = v128.load(constants, 272);
  const p4 = v128.load(constants, 288);
  const p3 = v128.load(constants, 304);
  const p2 = v128.load(constants, 320);
  const p1 = v128.load(constants, 336);
  const p0 = v128.load(constants, 352);
  const d3 = v128.load(constants, 368);
  const d2 = v128.load(constants, 384);
  const d1 = v128.load(constants, 400);
  const d0 = v128.load(constants, 416);
  const small = v128.load(constants, 432);
  for (; count > 0; count -= 4) {
    const value = sum4(at, x, bias, count);
    const v = f32x4.pmin(f32x4.pmax(value, lowest), limit);
    const q = f32x4.mul(v, v);
    let p = madd(p6, q, p5);
    p = madd(p, q, p4);
    p = madd(p, q, p3);
    p = madd(p, q, p2);
    p = madd(p, q, p1);
    p = madd(p, q, p0);
    let d = madd(d3, q, d2);
    d = madd(d, q, d1);
    d = madd(d, q, d0);
    const ratio = f32x4.div(f32x4.mul(v, p), d);
    const near = f32x4.lt(f32x4.abs(value), small);
    storePart(at, count, v128.bitselect(value, ratio, near));
    at += 16;
    if (x) {
      x += 16;
      bias += 16;
    }
  }
}

/**
 * Activates `count` numbers in place: 0 linear, 1 tanh, 2 sigmoid, 3 relu. Where x is given, x and bias
 * are added to them first. `constants` is where {@link listConstants} has put them.
 */
export function activateRow(
  kind: i32,
  at: usize,
  x: usize,
  bias: usize,
  count: i32,
  constants: usize,
): void {
  if (kind == 2) sigmoidRow(at, x, bias, count, constants);
  else if (kind == 1) tanhRow(at, x, bias, count, constants);
  else if (kind == 3 || x) {
    const least = f32x4.splat(kind == 3 ? 0 : -Infinity);
    for (let j = 0; j < count; j += 4) {
      const shift = <usize> j * 4;
      const value = sum4(at + shift, x ? x + shift : 0, bias + shift, count - j);
      storePart(at + shift, count - j, f32x4.max(value, least));
    }
  }
}
