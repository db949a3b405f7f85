/**
 * A first operand that is zeros for the most part, as digits on a black ground or bags of words: steps
 * of k in which all rows of a register block are zero are not packed, and not multiplied. They would
 * add nothing, so the bits of the sums stay the same.
 */
import { least } from "./pack";

/** Fewest multiply-adds for which it is worth looking at an operand. */
const fewestProducts: i64 = 1 << 16;
/** Blocks of rows that are looked at, four steps of k in each. */
const looks: i32 = 24;
/** Most of those steps that may not be zero. */
const mostFound: i32 = 4 * looks * 7 / 10;

/** Whose second operand was seen to be finite; 0 for nobody's. */
let seen: usize = 0;

/** Says that operands may be others: a new walk. */
export function forgetFinite(): void {
  seen = 0;
}

/** The bits of six neighbours, or of four of `rows`, together. */
@inline
function neighbours(a: usize, height: i32): v128 {
  const four = v128.load(a);
  return height == 6 ? v128.or(four, v128.load64_zero(a, 16)) : four;
}

/** The bits of a vector in each of six rows together. */
@inline
function below(a: usize, rowStep: usize): v128 {
  const a3 = a + 3 * rowStep;
  return v128.or(
    v128.or(v128.load(a), v128.or(v128.load(a + rowStep), v128.load(a + 2 * rowStep))),
    v128.or(v128.load(a3), v128.or(v128.load(a3 + rowStep), v128.load(a3 + 2 * rowStep))),
  );
}

/** Whether many steps of k are zero in all of six rows, for some of them. */
function hasZeros(a: usize, rowStep: usize, kStep: usize, rows: i32, k: i32): bool {
  let found = 0;
  for (let i = 0; i < looks; ++i) {
    const row = i * (rows / 6) / looks * 6;
    // Multiples of the golden ratio fall everywhere.
    const step = <i32> (<u64> (<u32> i * 2654435769) * <u64> (k - 3) >> 32);
    const at = a + <usize> row * rowStep + <usize> step * kStep;
    if (kStep == 4) found += popcnt(i32x4.bitmask(i32x4.ne(below(at, rowStep), i32x4.splat(0))));
    else {
      for (let j: usize = 0; j < 4; ++j) found += i32(v128.any_true(neighbours(at + j * kStep, 6)));
    }
  }
  return found <= mostFound;
}

/** The larger of some bits and those of numbers without their signs. */
@inline
function larger(bits: v128, x: v128): v128 {
  return i32x4.max_u(bits, i32x4.shl(x, 1));
}

/** Whether no number of some lines is infinite or NaN: zero times those is not zero. */
function isFinite(b: usize, lines: i32, step: usize, length: i32): bool {
  if (step == 4 * <usize> length) {
    length *= lines;
    lines = 1;
  }
  let bits = i32x4.splat(0);
  for (let line = 0; line < lines; ++line) {
    const last = b + 4 * <usize> length - 16;
    let at = b;
    for (; at + 48 < last; at += 64) {
      bits = larger(larger(bits, v128.load(at)), v128.load(at, 16));
      bits = larger(larger(bits, v128.load(at, 32)), v128.load(at, 48));
    }
    for (; at < last; at += 16) bits = larger(bits, v128.load(at));
    bits = larger(bits, v128.load(last));
    b += step;
  }
  return !v128.any_true(i32x4.ge_u(bits, i32x4.splat(<i32> 0xff000000)));
}

/**
 * Whether to leave out what is zero in A.
 *
 * @param token Who asks, while B stays as it is: B is not looked at twice for one; 0: nobody.
 */
export function isSparse(
  a: usize,
  aRow: usize,
  aCol: usize,
  b: usize,
  bRow: usize,
  bCol: usize,
  rows: i32,
  columns: i32,
  k: i32,
  token: usize,
): bool {
  if (rows < 6 || k < 16 || columns < 8 || (aRow != 4 && aCol != 4)) return false;
  if (<i64> rows * columns * k < fewestProducts || !hasZeros(a, aRow, aCol, rows, k)) return false;
  if (token != 0 && seen == token) return true;
  seen = 0;
  if (!(bCol == 4 ? isFinite(b, k, bRow, columns) : isFinite(b, columns, bCol, k))) return false;
  seen = token;
  return true;
}

/** Bytes of a packed block: a count, and for each step of k its rows' numbers and a place. */
@inline
export function sparseBlock(height: i32, k: i32): usize {
  // A store of whole vectors ends up to 16 bytes further.
  return 4 * <usize> ((height + 1) * (k + 4) + 5);
}

/** Ends the list of a block with zeros, so that it has whole turns, and counts those. */
@inline
function close(first: usize, end: usize, entry: usize): void {
  const count = <i32> ((end - first) / entry);
  memory.fill(end, 0, entry * (2 - 1));
  store<i32>(first, (count + 2 - 1) / 2);
}

/** Packs a block of rows that lie side by side. */
function keepColumns(a: usize, kStep: usize, height: i32, k: i32, bStep: usize, to: usize): void {
  const numbers = 4 * <usize> height;
  const entry = numbers + 4;
  const end = <usize> k * bStep;
  const first = to;
  to += 4;
  // What is zero is written, too, and then written over: no branch to guess.
  for (let place: usize = 0; place < end; place += bStep) {
    const any = neighbours(a, height);
    v128.store(to, v128.load(a));
    if (height == 6) store<u64>(to, load<u64>(a, 16), 16);
    store<u32>(to + numbers, <u32> place);
    to += entry * <usize> i32(v128.any_true(any));
    a += kStep;
  }
  close(first, to, entry);
}

/** Packs a block of row-major rows, four steps of k at a time; absent ones repeat the last of `rows`. */
function keepRows(
  a: usize,
  rowStep: usize,
  rows: i32,
  height: i32,
  k: i32,
  bStep: usize,
  to: usize,
): void {
  const a1 = a + (rows > 1 ? rowStep : 0);
  const a2 = a1 + (rows > 2 ? rowStep : 0);
  const a3 = a2 + (rows > 3 ? rowStep : 0);
  const a4 = a3 + (rows > 4 && height == 6 ? rowStep : 0);
  const a5 = a4 + (rows > 5 && height == 6 ? rowStep : 0);
  const numbers = 4 * <usize> height;
  const entry = numbers + 4;
  const first = to;
  const end = <usize> k * 4;
  let place: usize = 0;
  to += 4;
  for (let i: usize = 0; i < end; i += 16) {
    const r0 = v128.load(a + i);
    const r1 = v128.load(a1 + i);
    const r2 = v128.load(a2 + i);
    const r3 = v128.load(a3 + i);
    const r4 = v128.load(a4 + i);
    const r5 = v128.load(a5 + i);
    const any = v128.or(v128.or(v128.or(r0, r1), v128.or(r2, r3)), v128.or(r4, r5));
    let kept = i32x4.bitmask(i32x4.ne(any, i32x4.splat(0)));
    if (end - i < 16) kept &= (1 << <i32> ((end - i) >> 2)) - 1;
    if (kept) {
      const low01 = v128.shuffle<f32>(r0, r1, 0, 4, 1, 5);
      const high01 = v128.shuffle<f32>(r0, r1, 2, 6, 3, 7);
      const low23 = v128.shuffle<f32>(r2, r3, 0, 4, 1, 5);
      const high23 = v128.shuffle<f32>(r2, r3, 2, 6, 3, 7);
      const low45 = v128.shuffle<f32>(r4, r5, 0, 4, 1, 5);
      const high45 = v128.shuffle<f32>(r4, r5, 2, 6, 3, 7);
      // All are written, and what is zero then written over: no branch to guess. The place comes last,
      // where the numbers of six rows would be too long for four.
      v128.store(to, v128.shuffle<i64>(low01, low23, 0, 2));
      v128.store64_lane(to, low45, 0, 16);
      store<u32>(to + numbers, <u32> place);
      to += entry * <usize> (kept & 1);
      v128.store(to, v128.shuffle<i64>(low01, low23, 1, 3));
      v128.store64_lane(to, low45, 1, 16);
      store<u32>(to + numbers, <u32> (place + bStep));
      to += entry * <usize> (kept >> 1 & 1);
      v128.store(to, v128.shuffle<i64>(high01, high23, 0, 2));
      v128.store64_lane(to, high45, 0, 16);
      store<u32>(to + numbers, <u32> (place + 2 * bStep));
      to += entry * <usize> (kept >> 2 & 1);
      v128.store(to, v128.shuffle<i64>(high01, high23, 1, 3));
      v128.store64_lane(to, high45, 1, 16);
      store<u32>(to + numbers, <u32> (place + 3 * bStep));
      to += entry * <usize> (kept >> 3);
    }
    place += 4 * bStep;
  }
  close(first, to, entry);
}

/** Packs rows of A into blocks of `height`, without what is zero in all rows of a block. */
export function packSparse(
  a: usize,
  rowStep: usize,
  kStep: usize,
  rows: i32,
  height: i32,
  k: i32,
  bStep: usize,
  to: usize,
): void {
  const block = sparseBlock(height, k);
  for (let i = 0; i < rows; i += height) {
    if (rowStep == 4) keepColumns(a, kStep, height, k, bStep, to);
    else keepRows(a, rowStep, rows - i, height, k, bStep, to);
    a += <usize> height * rowStep;
    to += block;
  }
}
