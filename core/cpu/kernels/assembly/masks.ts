/** What is not zero in rows of a matrix: masks of 64 numbers each, and lists made of them. */
import { least } from "./pack";
import { listLength, placeBytes } from "./strips";

/** Most rows that have masks, or lists, at a time. */
export const rowBlock: i32 = 128;
/** Bytes from the masks of 64 numbers of each row to those of the next 64. */
export const maskStep: usize = 8 * rowBlock;
/** Bytes of a list: where its numbers end, they, and their places. */
export const listStep: usize = 2 * placeBytes;
/** Bytes of all masks, and of all lists. */
export const maskBytes: usize = maskStep * ((listLength + 63) / 64);
export const listBytes: usize = listStep * rowBlock;

/** A bit for each of 32 numbers that lie side by side: whether it is not zero. */
@inline
function maskOf32(at: usize): u32 {
  const first = i8x16.narrow_i16x8_s(notZero8(at), notZero8(at + 32));
  const second = i8x16.narrow_i16x8_s(notZero8(at + 64), notZero8(at + 96));
  return <u32> i8x16.bitmask(first) | <u32> i8x16.bitmask(second) << 16;
}

/** Which of four numbers are not zero, as a NaN is. */
@inline
export function notZero(at: usize): v128 {
  return f32x4.ne(v128.load(at), f32x4.splat(0));
}

@inline
function notZero8(at: usize): v128 {
  return i16x8.narrow_i32x4_s(notZero(at), notZero(at + 16));
}

/** Masks of rows that lie in one piece each, 64 numbers in a mask. */
export function maskRows(a: usize, aRow: usize, rows: i32, k: i32, masks: usize): void {
  for (let row = 0; row < rows; ++row) {
    let at = a;
    let to = masks + 8 * <usize> row;
    let left = k;
    for (; left >= 64; left -= 64) {
      store<u64>(to, <u64> maskOf32(at) | <u64> maskOf32(at + 128) << 32);
      at += 256;
      to += maskStep;
    }
    if (left > 0) {
      let mask: u64 = 0;
      for (let i = 0; i < left; i += 4) {
        mask |= <u64> i32x4.bitmask(notZero(at)) << i;
        at += 16;
      }
      store<u64>(to, mask & (<u64> 1 << left) - 1);
    }
    a += aRow;
  }
}

/** Masks of rows that lie side by side, sixteen rows at a time: a line of the cache. */
export function maskColumns(a: usize, aCol: usize, rows: i32, k: i32, masks: usize): void {
  for (let row = 0; row < rows; row += 16) {
    let at = a + 4 * <usize> row;
    let to = masks + 8 * <usize> row;
    for (let done = 0; done < k; done += 64) {
      for (let half: usize = 0; half < 8; half += 4) {
        const left = least(32, k - done - 8 * <i32> half);
        let bit = i32x4.splat(1);
        let m0 = i32x4.splat(0);
        let m1 = m0;
        let m2 = m0;
        let m3 = m0;
        for (let i = 0; i < left; ++i) {
          m0 = v128.or(m0, v128.and(notZero(at), bit));
          m1 = v128.or(m1, v128.and(notZero(at + 16), bit));
          m2 = v128.or(m2, v128.and(notZero(at + 32), bit));
          m3 = v128.or(m3, v128.and(notZero(at + 48), bit));
          bit = i32x4.add(bit, bit);
          at += aCol;
        }
        storeHalf(to + half, m0);
        storeHalf(to + half + 32, m1);
        storeHalf(to + half + 64, m2);
        storeHalf(to + half + 96, m3);
      }
      to += maskStep;
    }
  }
}

/** Stores halves of four masks. */
@inline
function storeHalf(to: usize, halves: v128): void {
  v128.store32_lane(to, halves, 0);
  v128.store32_lane(to + 8, halves, 1);
  v128.store32_lane(to + 16, halves, 2);
  v128.store32_lane(to + 24, halves, 3);
}

/** Lists what masks say is not zero, with the places of its rows of B, `bRow` bytes apart. */
export function listMasked(
  masks: usize,
  words: i32,
  a: usize,
  aRow: usize,
  aCol: usize,
  rows: i32,
  bRow: usize,
  list: usize,
): void {
  for (let row = 0; row < rows; ++row) {
    let to = list + 4;
    let from = a;
    let place: usize = 0;
    let word = masks;
    for (let left = words; left > 0; --left) {
      for (let mask = load<u64>(word); mask; mask &= mask - 1) {
        const step = <usize> ctz(mask);
        store<u32>(to, load<u32>(from + step * aCol));
        store<u32>(to, <u32> (place + step * bRow), placeBytes);
        to += 4;
      }
      word += maskStep;
      from += 64 * aCol;
      place += 64 * bRow;
    }
    // Sums take two numbers at a time.
    store<u32>(to, 0);
    store<u32>(to, 0, placeBytes);
    store<u32>(list, <u32> to);
    masks += 8;
    a += aRow;
    list += listStep;
  }
}
