/** Rows of attention's scores: what is added to them, what is hidden, what dropout leaves. */
import { exp4 } from "./activate";
import { loadPart, storePart } from "./lanes";

const lanes: v128 = i32x4(0, 1, 2, 3);

export function batchOf(block: usize): i32 {
  return load<i32>(block);
}

export function queriesOf(block: usize): i32 {
  return load<i32>(block, 4);
}

export function keysOf(block: usize): i32 {
  return load<i32>(block, 8);
}

export function headsOf(block: usize): i32 {
  return load<i32>(block, 12);
}

export function keyHeadsOf(block: usize): i32 {
  return load<i32>(block, 16);
}

export function sizeOf(block: usize): i32 {
  return load<i32>(block, 20);
}

export function valueSizeOf(block: usize): i32 {
  return load<i32>(block, 24);
}

export function queryBlockOf(block: usize): i32 {
  return load<i32>(block, 28);
}

export function keyBlockOf(block: usize): i32 {
  return load<i32>(block, 32);
}

/** How many keys a query sees. */
export function visibleTo(block: usize, query: i32): i32 {
  const keys = keysOf(block);
  const offset = <usize> load<u32>(block, 40);
  if (!offset) return keys;
  const seen = query + load<i32>(offset) + 1;
  return seen < 0 ? 0 : seen < keys ? seen : keys;
}

/** Where the bias of a query of a head (of all samples) begins; 0 if there is none. */
export function biasRow(block: usize, head: i32, query: i32): usize {
  const bias = <usize> load<u32>(block, 44);
  if (!bias) return 0;
  const heads = headsOf(block);
  const at = head / heads * load<i32>(block, 64) + head % heads * load<i32>(block, 68) +
    query * load<i32>(block, 72);
  return bias + <usize> at * 4;
}

/** Whether weights are dropped. */
export function drops(block: usize): bool {
  return load<u32>(block, 48) != 0;
}

function greatest(x: v128): f32 {
  const pairs = f32x4.max(x, v128.shuffle<i64>(x, x, 1, 0));
  return max<f32>(f32x4.extract_lane(pairs, 0), f32x4.extract_lane(pairs, 1));
}

function total(x: v128): f32 {
  const pairs = f32x4.add(x, v128.shuffle<i64>(x, x, 1, 0));
  return f32x4.extract_lane(pairs, 0) + f32x4.extract_lane(pairs, 1);
}

/** The scores of a row become what the softmax is of; gives the greatest of `count`. */
export function scaleRow(row: usize, count: i32, scale: f32, bias: usize): f32 {
  const factor = f32x4.splat(scale);
  const lowest = f32x4.splat(-Infinity);
  let most = lowest;
  for (let j = 0; j < count; j += 4) {
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
export function powersOfRow(row: usize, count: i32, width: i32, most: f32): f32 {
  const shift = f32x4.splat(most);
  let sums = f32x4.splat(0);
  let j = 0;
  for (; j < count; j += 4) {
    const at = row + <usize> j * 4;
    const power = exp4(f32x4.sub(v128.load(at), shift));
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
export function keepFactors(block: usize, position: i32): v128 {
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

/** The position of a head's weight in the whole matrix. */
export function positionOf(block: usize, head: i32, query: i32, key: i32): i32 {
  return (head * queriesOf(block) + query) * keysOf(block) + key;
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
 * Scores become weights, and slopes of the weights those of the scores, for a row of the gradient.
 *
 * @param sum Logarithm of the sum of the row's weights. @param dot Dot product of result and gradient.
 */
export function gradientRow(
  block: usize,
  row: usize,
  slopes: usize,
  count: i32,
  width: i32,
  position: i32,
  sum: f32,
  dot: f32,
): void {
  const scale = f32x4.splat(load<f32>(block, 36));
  const shift = f32x4.splat(sum);
  const given = f32x4.splat(dot);
  const none = f32x4.splat(0);
  const dropping = drops(block);
  let j = 0;
  for (; j < count; j += 4) {
    const at = <usize> j * 4;
    const weight = exp4(f32x4.sub(v128.load(row + at), shift));
    let slope = v128.load(slopes + at);
    let left = weight;
    if (dropping) {
      const factors = keepFactors(block, position + j);
      slope = f32x4.mul(slope, factors);
      left = f32x4.mul(weight, factors);
    }
    let toScore = f32x4.mul(f32x4.mul(weight, f32x4.sub(slope, given)), scale);
    // Behind the last column lies what was there before, which may be anything.
    if (count - j < 4) toScore = v128.and(toScore, i32x4.lt_s(lanes, i32x4.splat(count - j)));
    v128.store(row + at, left);
    v128.store(slopes + at, toScore);
  }
  for (; j < width; j += 4) {
    v128.store(row + <usize> j * 4, none);
    v128.store(slopes + <usize> j * 4, none);
  }
}
