/** Rows of attention's scores: what is added to them, what is hidden, what dropout leaves. */
import { drops } from "./attention_block";
import { loadPart, storePart } from "./lanes";
import { listPowers, power4 } from "./powers";

const lanes: v128 = i32x4(0, 1, 2, 3);

function greatest(x: v128): f32 {
  const pairs = f32x4.max(x, v128.shuffle<i64>(x, x, 1, 0));
  return max<f32>(f32x4.extract_lane(pairs, 0), f32x4.extract_lane(pairs, 1));
}

function total(x: v128): f32 {
  const pairs = f32x4.add(x, v128.shuffle<i64>(x, x, 1, 0));
  return f32x4.extract_lane(pairs, 0) + f32x4.extract_lane(pairs, 1);
}

/** Writes down the constants of {@link weight4}. */
export function listConstants(at: usize): void {
  v128.store(at, f32x4.splat(-87.33));
  v128.store(at, f32x4.splat(88), 16);
  listPowers(at);
}

/**
 * eˣ, four at a time, of numbers that are not far above 0; what is smaller than a normal number
 * becomes 0. The other arguments are the listed constants, in their order.
 */
@inline function weight4(
  x: v128,
  lowest: v128,
  highest: v128,
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
  const c = f32x4.pmin(f32x4.pmax(x, lowest), highest);
  const power = power4(c, factor, magic, high, low, p5, p4, p3, p2, p1, p0, ones);
  return v128.andnot(power, f32x4.lt(x, lowest));
}

/** The scores of a row become what the softmax is of; gives the greatest of `count`. */
export function scaleRow(row: usize, count: i32, scale: f32, bias: usize): f32 {
  const factor = f32x4.splat(scale);
  const lowest = f32x4.splat(-Infinity);
  let most = lowest;
  let j = 0;
  for (; !bias && j + 16 <= count; j += 16) {
    const at = row + <usize> j * 4;
    const a = f32x4.mul(v128.load(at), factor);
    const b = f32x4.mul(v128.load(at, 16), factor);
    const c = f32x4.mul(v128.load(at, 32), factor);
    const d = f32x4.mul(v128.load(at, 48), factor);
    v128.store(at, a);
    v128.store(at, b, 16);
    v128.store(at, c, 32);
    v128.store(at, d, 48);
    most = f32x4.max(most, f32x4.max(f32x4.max(a, b), f32x4.max(c, d)));
  }
  for (; j < count; j += 4) {
    const at = row + <usize> j * 4;
    let x = f32x4.mul(v128.load(at), factor);
    if (bias) x = f32x4.add(x, loadPart(bias + <usize> j * 4, count - j));
    if (count - j < 4) x = v128.bitselect(x, lowest, i32x4.lt_s(lanes, i32x4.splat(count - j)));
    v128.store(at, x);
    most = f32x4.max(most, x);
  }
  return greatest(most);
}

/** eˣ⁻ᵐ of a row, and zeros from `count` to `width`; gives the sum. */
export function powersOfRow(
  row: usize,
  count: i32,
  width: i32,
  most: f32,
  constants: usize,
): f32 {
  const shift = f32x4.splat(most);
  const lowest = v128.load(constants);
  const highest = v128.load(constants, 16);
  const factor = v128.load(constants, 32);
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
  let sums = f32x4.splat(0);
  let j = 0;
  for (; j < count; j += 4) {
    const at = row + <usize> j * 4;
    const power = weight4(f32x4.sub(v128.load(at), shift), lowest, highest, factor, magic, high, low, p5, p4, p3, p2, p1, p0, ones);
    v128.store(at, power);
    sums = f32x4.add(sums, power);
  }
  for (; j < width; j += 4) v128.store(row + <usize> j * 4, f32x4.splat(0));
  return total(sums);
}

function turn(x: v128, bits: i32): v128 {
  return v128.or(i32x4.shl(x, bits), i32x4.shr_u(x, 32 - bits));
}

/** First words of Threefry-2x32 of four positions, as `core/ops/threefry.ts`. */
function random4(position: v128, counter: i32, key0: i32, key1: i32): v128 {
  const k0 = i32x4.splat(key0);
  const k1 = i32x4.splat(key1);
  const k2 = i32x4.splat(0x1bd11bda ^ key0 ^ key1);
  let a = i32x4.add(position, k0);
  let b = i32x4.add(i32x4.splat(counter), k1);
  for (let group = 1; group <= 5; ++group) {
    const odd = group & 1;
    a = i32x4.add(a, b);
    b = v128.xor(turn(b, odd ? 13 : 17), a);
    a = i32x4.add(a, b);
    b = v128.xor(turn(b, odd ? 15 : 29), a);
    a = i32x4.add(a, b);
    b = v128.xor(turn(b, odd ? 26 : 16), a);
    a = i32x4.add(a, b);
    b = v128.xor(turn(b, odd ? 6 : 24), a);
    const at = group % 3;
    const first = at == 0 ? k0 : at == 1 ? k1 : k2;
    const second = at == 0 ? k1 : at == 1 ? k2 : k0;
    a = i32x4.add(a, first);
    b = i32x4.add(i32x4.add(b, second), i32x4.splat(group));
  }
  return a;
}

/** What dropout multiplies four weights by; the first has this position in the whole matrix. */
function keepFactors(block: usize, position: i32): v128 {
  const rate = load<f32>(<usize> load<u32>(block, 48));
  const word = random4(
    i32x4.add(i32x4.splat(position), lanes),
    load<i32>(<usize> load<u32>(block, 60)),
    load<i32>(<usize> load<u32>(block, 52)),
    load<i32>(<usize> load<u32>(block, 56)),
  );
  const share = f32x4.mul(
    f32x4.convert_i32x4_s(i32x4.shr_u(word, 8)),
    f32x4.splat(5.9604644775390625e-8),
  );
  const left = max<f32>(1 - rate, 5.9604644775390625e-8);
  return v128.and(f32x4.splat(1 / left), f32x4.ge(share, f32x4.splat(rate)));
}

/** Drops weights of a row. */
export function dropRow(block: usize, row: usize, count: i32, position: i32): void {
  for (let j = 0; j < count; j += 4) {
    const at = row + <usize> j * 4;
    v128.store(at, f32x4.mul(v128.load(at), keepFactors(block, position + j)));
  }
}

/** A row of floats times a number. */
export function multiplyRow(row: usize, count: i32, factor: f32): void {
  const factors = f32x4.splat(factor);
  for (let j = 0; j < count; j += 4) {
    const at = row + <usize> j * 4;
    storePart(at, count - j, f32x4.mul(loadPart(at, count - j), factors));
  }
}

/**
 * Products of a query and the keys become weights, and slopes of the weights those of the products,
 * for a row of the gradient.
 *
 * @param bias Where the row's bias is, or 0.
 * @param sum Logarithm of the sum of the row's weights. @param dot Dot product of result and gradient.
 */
export function gradientRow(
  block: usize,
  row: usize,
  slopes: usize,
  count: i32,
  width: i32,
  bias: usize,
  position: i32,
  sum: f32,
  dot: f32,
  constants: usize,
): void {
  const scale = f32x4.splat(load<f32>(block, 36));
  const shift = f32x4.splat(sum);
  const given = f32x4.splat(dot);
  const none = f32x4.splat(0);
  const dropping = drops(block);
  const lowest = v128.load(constants);
  const highest = v128.load(constants, 16);
  const factor = v128.load(constants, 32);
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
  let j = 0;
  for (; !bias && !dropping && j + 4 <= count; j += 4) {
    const at = <usize> j * 4;
    const score = f32x4.mul(v128.load(row + at), scale);
    const weight = weight4(f32x4.sub(score, shift), lowest, highest, factor, magic, high, low, p5, p4, p3, p2, p1, p0, ones);
    const slope = f32x4.sub(v128.load(slopes + at), given);
    v128.store(row + at, weight);
    v128.store(slopes + at, f32x4.mul(f32x4.mul(weight, slope), scale));
  }
  for (; j < count; j += 4) {
    const at = <usize> j * 4;
    let score = f32x4.mul(v128.load(row + at), scale);
    if (bias) score = f32x4.add(score, loadPart(bias + at, count - j));
    const weight = weight4(f32x4.sub(score, shift), lowest, highest, factor, magic, high, low, p5, p4, p3, p2, p1, p0, ones);
    let slope = v128.load(slopes + at);
    let left = weight;
    if (dropping) {
      const factors = keepFactors(block, position + j);
      slope = f32x4.mul(slope, factors);
      left = f32x4.mul(weight, factors);
    }
    let toScore = f32x4.mul(f32x4.mul(weight, f32x4.sub(slope, given)), scale);
    // Behind the last column lies what was there before, which may be anything.
    if (count - j < 4) {
      const there = i32x4.lt_s(lanes, i32x4.splat(count - j));
      left = v128.and(left, there);
      toScore = v128.and(toScore, there);
    }
    v128.store(row + at, left);
    v128.store(slopes + at, toScore);
  }
  for (; j < width; j += 4) {
    v128.store(row + <usize> j * 4, none);
    v128.store(slopes + <usize> j * 4, none);
  }
}
