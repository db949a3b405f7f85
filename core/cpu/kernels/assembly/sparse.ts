/**
 * Products whose first operand is zeros for the most part, as digits on a black ground, bags of words,
 * one-hot rows and much of what relu leaves: only what is not zero is multiplied. Zeros would add
 * nothing, so the bits are those of the general way.
 */
import { evenStep, least, packRows, packTransposed } from "./pack";
import { listLength, placeBytes, sums1, sums2, sums4, sums8 } from "./strips";

/** Columns of C that are summed at a time, in eight registers. */
const panelColumns: i32 = 32;
/** Columns of B that are packed at once. */
const columnBlock: i32 = 512;
/** Most rows that are listed at once. */
const rowBlock: i32 = 128;
/** Bytes of a list: where its numbers end, they, and their places; a store may be too long. */
const listBytes: usize = 2 * placeBytes;
/** Rows from which it pays to pack a row-major B. */
const packedRows: i32 = 64;
const packedBytes: usize = 4 * listLength * columnBlock;
const orderBytes: usize = 256;
/** Bytes of scratch: packed columns of B, lists, and the orders of {@link append}. */
export const sparseBytes: usize = packedBytes + listBytes * rowBlock + orderBytes;

/** Fewest multiply-adds and rows for which it is worth looking at the operands. */
const fewestProducts: i64 = 1 << 16;
const fewestRows: i32 = 8;
/** Vectors of the first operand that are looked at. */
const looks: i32 = 32;

/** Whose second operand was seen to be finite; 0 for nobody's. */
let seen: usize = 0;

/** Says that operands may be others: a new walk, or another kernel. */
export function forgetFinite(): void {
  seen = 0;
}

/**
 * Whether few numbers are not zero, of some of `lines` of `length`, `step` bytes apart: up to 0.4 of
 * them, fewer where lists of them serve few columns, or are short.
 */
function hasZeros(a: usize, lines: i32, step: usize, length: i32, columns: i32, k: i32): bool {
  const most = <f32> 0.4 - <f32> 4 / <f32> columns - <f32> 1 / <f32> k;
  if (most <= 0) return false;
  let found = 0;
  for (let i = 0; i < looks; ++i) {
    const line = <usize> (i * lines / looks);
    // Multiples of the golden ratio fall everywhere.
    const place = <usize> (<u64> (<u32> i * 2654435769) * <u64> (length - 3) >> 32);
    const x = v128.load(a + line * step + 4 * place);
    found += popcnt(i32x4.bitmask(f32x4.ne(x, f32x4.splat(0))));
  }
  return <f32> found <= most * 4 * <f32> looks;
}

/** Zero bits where numbers are finite: what is infinite less itself is NaN. */
@inline
function notFinite(at: usize): v128 {
  const x = v128.load(at);
  return f32x4.sub(x, x);
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
      const first = v128.or(notFinite(at), notFinite(at + 16));
      bits = v128.or(bits, v128.or(first, v128.or(notFinite(at + 32), notFinite(at + 48))));
    }
    for (; at < last; at += 16) bits = v128.or(bits, notFinite(at));
    bits = v128.or(bits, notFinite(last));
    b += step;
  }
  return !v128.any_true(bits);
}

/** Whether to leave out the zeros of A; B is not looked at twice for one `token`, unless it is 0. */
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
  if (rows < fewestRows || k < 8 || (aRow != 4 && aCol != 4)) return false;
  if (<i64> rows * columns * k < fewestProducts) return false;
  const byRow = aCol == 4;
  if (!hasZeros(a, byRow ? rows : k, byRow ? aRow : aCol, byRow ? k : rows, columns, k)) return false;
  if (token != 0 && seen == token) return true;
  if (!(bCol == 4 ? isFinite(b, k, bRow, columns) : isFinite(b, columns, bCol, k))) return false;
  seen = token;
  return true;
}

/** For each choice of four numbers, which bytes bring those that are chosen to the front. */
function writeOrders(to: usize): void {
  for (let mask = 0; mask < 16; ++mask) {
    let at = to + 16 * <usize> mask;
    for (let lane = 0; lane < 4; ++lane) {
      if (!(mask >> lane & 1)) continue;
      store<u32>(at, 0x03020100 + 0x04040404 * lane);
      at += 4;
    }
  }
}

/** The bytes of `x` in another order. */
@inline
function reorder(x: v128, order: v128): v128 {
  if (ASC_FEATURE_RELAXED_SIMD) return i8x16.relaxed_swizzle(x, order);
  return v128.swizzle(x, order);
}

/** Appends those of four numbers that are not zero to a list; returns where it ends then. */
@inline
function append(x: v128, places: v128, orders: usize, to: usize): usize {
  const mask = i32x4.bitmask(f32x4.ne(x, f32x4.splat(0)));
  const order = v128.load(orders + 16 * <usize> mask);
  v128.store(to, reorder(x, order));
  v128.store(to, reorder(places, order), placeBytes);
  return to + 4 * <usize> popcnt(mask);
}

/** Ends a list with a zero, as sums take two entries at a time, and says at its beginning where. */
@inline
function close(list: usize, end: usize): void {
  store<u32>(end, 0);
  store<u32>(end, 0, placeBytes);
  store<u32>(list, <u32> end);
}

/** Lists a row that lies in one piece. */
function listRow(a: usize, k: i32, bStep: i32, orders: usize, list: usize): void {
  let places = i32x4.mul(i32x4(0, 1, 2, 3), i32x4.splat(bStep));
  const four = i32x4.splat(4 * bStep);
  const sixteen = i32x4.splat(16 * bStep);
  const end = a + 4 * <usize> (k & ~3);
  let to = list + 4;
  for (; a + 48 < end; a += 64) {
    const x0 = v128.load(a);
    const x1 = v128.load(a, 16);
    const x2 = v128.load(a, 32);
    const x3 = v128.load(a, 48);
    // Pictures have many zeros in a row, others hardly ever sixteen: the processor guesses either well.
    if (v128.any_true(v128.or(v128.or(x0, x1), v128.or(x2, x3)))) {
      const places1 = i32x4.add(places, four);
      const places2 = i32x4.add(places1, four);
      to = append(x0, places, orders, to);
      to = append(x1, places1, orders, to);
      to = append(x2, places2, orders, to);
      to = append(x3, i32x4.add(places2, four), orders, to);
    }
    places = i32x4.add(places, sixteen);
  }
  for (; a < end; a += 16) {
    to = append(v128.load(a), places, orders, to);
    places = i32x4.add(places, four);
  }
  const left = i32x4.lt_s(i32x4(0, 1, 2, 3), i32x4.splat(k & 3));
  if (k & 3) to = append(v128.and(v128.load(a), left), places, orders, to);
  close(list, to);
}

/** Lists four rows that lie side by side. */
function listFour(a: usize, kStep: usize, k: i32, bStep: i32, orders: usize, list: usize): void {
  let places = i32x4.mul(i32x4(0, 1, 2, 3), i32x4.splat(bStep));
  const four = i32x4.splat(4 * bStep);
  const zero = i32x4.splat(0);
  let to = list + 4;
  let to1 = to + listBytes;
  let to2 = to1 + listBytes;
  let to3 = to2 + listBytes;
  for (let left = k; left > 0; left -= 4) {
    const r0 = v128.load(a);
    const r1 = left > 1 ? v128.load(a + kStep) : zero;
    const r2 = left > 2 ? v128.load(a + 2 * kStep) : zero;
    const r3 = left > 3 ? v128.load(a + 3 * kStep) : zero;
    if (v128.any_true(v128.or(v128.or(r0, r1), v128.or(r2, r3)))) {
      const low01 = v128.shuffle<f32>(r0, r1, 0, 4, 1, 5);
      const high01 = v128.shuffle<f32>(r0, r1, 2, 6, 3, 7);
      const low23 = v128.shuffle<f32>(r2, r3, 0, 4, 1, 5);
      const high23 = v128.shuffle<f32>(r2, r3, 2, 6, 3, 7);
      to = append(v128.shuffle<i64>(low01, low23, 0, 2), places, orders, to);
      to1 = append(v128.shuffle<i64>(low01, low23, 1, 3), places, orders, to1);
      to2 = append(v128.shuffle<i64>(high01, high23, 0, 2), places, orders, to2);
      to3 = append(v128.shuffle<i64>(high01, high23, 1, 3), places, orders, to3);
    }
    places = i32x4.add(places, four);
    a += 4 * kStep;
  }
  close(list, to);
  close(list + listBytes, to1);
  close(list + 2 * listBytes, to2);
  close(list + 3 * listBytes, to3);
}

/** Rows of C, of up to 32 columns, from lists of the rows of A. */
function sumPanel(
  lists: usize,
  rows: i32,
  b: usize,
  c: usize,
  cRow: usize,
  columns: i32,
  resume: i32,
): void {
  while (columns > 0) {
    let done = 4;
    if (columns > 28) {
      sums8(lists, listBytes, rows, b, c, cRow, columns, resume);
      done = 32;
    } else if (columns > 12) {
      sums4(lists, listBytes, rows, b, c, cRow, columns, resume);
      done = 16;
    } else if (columns > 4) {
      sums2(lists, listBytes, rows, b, c, cRow, columns, resume);
      done = 8;
    } else sums1(lists, listBytes, rows, b, c, cRow, columns, resume);
    b += 4 * <usize> done;
    c += 4 * <usize> done;
    columns -= done;
  }
}

/** C (+)= A·B for an A that {@link isSparse}; strides are bytes. */
export function sparseProduct(
  a: usize,
  aRow: usize,
  aCol: usize,
  b: usize,
  bRow: usize,
  bCol: usize,
  c: usize,
  cRow: usize,
  rows: i32,
  columns: i32,
  k: i32,
  scratch: usize,
  accumulate: i32,
): void {
  const lists = scratch + packedBytes;
  const orders = lists + listBytes * <usize> rowBlock;
  writeOrders(orders);
  const kStep = evenStep(k, listLength);
  for (let k0 = 0; k0 < k; k0 += kStep) {
    const depth = least(kStep, k - k0);
    const resume = accumulate | i32(k0 > 0);
    for (let j0 = 0; j0 < columns; j0 += columnBlock) {
      const width = least(columnBlock, columns - j0);
      let panels = b + <usize> k0 * bRow + <usize> j0 * bCol;
      let bStep = bRow;
      let panelStep: usize = 4 * panelColumns;
      if (bCol != 4 || rows >= packedRows) {
        if (bCol != 4) packTransposed(panels, bCol, width, depth, scratch, panelColumns);
        else packRows(panels, bRow, width, depth, scratch, panelColumns);
        panels = scratch;
        bStep = 4 * panelColumns;
        panelStep = bStep * <usize> ((depth + 3) & ~3);
      }
      for (let i0 = 0; i0 < rows; i0 += rowBlock) {
        const height = least(rowBlock, rows - i0);
        let from = a + <usize> i0 * aRow + <usize> k0 * aCol;
        let list = lists;
        for (let i = 0; i < height; i += aCol == 4 ? 1 : 4) {
          if (aCol == 4) listRow(from, depth, <i32> bStep, orders, list);
          else listFour(from, aCol, depth, <i32> bStep, orders, list);
          from += aCol == 4 ? aRow : 16;
          list += aCol == 4 ? listBytes : 4 * listBytes;
        }
        let to = c + <usize> i0 * cRow + 4 * <usize> j0;
        let panel = panels;
        for (let j = 0; j < width; j += panelColumns) {
          sumPanel(lists, height, panel, to, cRow, least(panelColumns, width - j), resume);
          panel += panelStep;
          to += 4 * panelColumns;
        }
      }
    }
  }
}
