/**
 * C = A·B in float32. Every element is one chain of multiply-adds in increasing k, whatever the
 * block it falls in, so its bits depend neither on the number of threads nor on the tiling.
 */
import { least, packA, packRows, packTransposed } from "./pack";
import {
  madd,
  store2,
  strip1x1k,
  strip1x2k,
  strip1x8k,
  strip4x1k,
  strip4x1kp,
  strip4x1r,
  strip4x1rp,
  strip4x2k,
  strip4x2kp,
  strip4x2r,
  strip4x2rp,
  strip6x1k,
  strip6x1kp,
  strip6x1r,
  strip6x1rp,
  strip6x2k,
  strip6x2kp,
  strip6x2r,
  strip6x2rp,
} from "./strips";
import { go, onHeldB, onPackedA, onPackedB, onRow } from "./ways";

/** Most steps of k in one block: a packed panel of B (8 columns) is then 12.5 KiB of L1. */
const kBlock: i32 = 400;
/** Columns of B packed at once: at most 800 KiB. */
const columnBlock: i32 = 512;
/** Rows of A packed at once: at most 188 KiB, in L2. */
const rowBlock: i32 = 120;
export const packedB: usize = 4 * kBlock * columnBlock;

/** Whose second operand may lie packed from one product to the next; 0 for nobody's. */
let holder: usize = 0;
/** Whose does. */
let held: usize = 0;

/** Until told otherwise, products are `token`'s, whose second operand does not change; 0: nobody's. */
export function hold(token: usize): void {
  holder = token;
}

/** Says that the scratch holds nothing any longer: a new walk, or another kernel. */
export function forget(): void {
  held = 0;
}

/** One row: many columns at once hide the latency of the additions. */
function row(
  a: usize,
  aStep: usize,
  b: usize,
  bStep: usize,
  c: usize,
  columns: i32,
  k: i32,
  resume: i32,
): void {
  while (columns >= 32) {
    strip1x8k(a, aStep, 0, b, bStep, c, 0, 1, 32, k, resume);
    b += 128;
    c += 128;
    columns -= 32;
  }
  while (columns > 0) {
    if (columns > 4) strip1x2k(a, aStep, 0, b, bStep, c, 0, 1, columns, k, resume);
    else strip1x1k(a, aStep, 0, b, bStep, c, 0, 1, columns, k, resume);
    b += 32;
    c += 32;
    columns -= 8;
  }
}

/** One row, B stored by column: turned in registers, as nothing of it is used twice. */
function rowTransposed(
  a: usize,
  aStep: usize,
  b: usize,
  columnStep: usize,
  c: usize,
  columns: i32,
  k: i32,
  resume: i32,
): void {
  for (let j = 0; j < columns; j += 8) {
    const b0 = b + <usize> j * columnStep;
    const b1 = b0 + (j + 1 < columns ? columnStep : 0);
    const b2 = b1 + (j + 2 < columns ? columnStep : 0);
    const b3 = b2 + (j + 3 < columns ? columnStep : 0);
    const b4 = b3 + (j + 4 < columns ? columnStep : 0);
    const b5 = b4 + (j + 5 < columns ? columnStep : 0);
    const b6 = b5 + (j + 6 < columns ? columnStep : 0);
    const b7 = b6 + (j + 7 < columns ? columnStep : 0);
    const to = c + <usize> j * 4;
    let low = f32x4.splat(0);
    let high = f32x4.splat(0);
    if (resume) {
      low = v128.load(to);
      high = v128.load(to, 16);
    }
    let p = a;
    const end = <usize> k * 4;
    for (let i: usize = 0; i < end; i += 16) {
      const r0 = v128.load(b0 + i);
      const r1 = v128.load(b1 + i);
      const r2 = v128.load(b2 + i);
      const r3 = v128.load(b3 + i);
      const r4 = v128.load(b4 + i);
      const r5 = v128.load(b5 + i);
      const r6 = v128.load(b6 + i);
      const r7 = v128.load(b7 + i);
      const left = end - i;
      const t0 = v128.shuffle<f32>(r0, r1, 0, 4, 1, 5);
      const t1 = v128.shuffle<f32>(r2, r3, 0, 4, 1, 5);
      const t2 = v128.shuffle<f32>(r4, r5, 0, 4, 1, 5);
      const t3 = v128.shuffle<f32>(r6, r7, 0, 4, 1, 5);
      let x = v128.load32_splat(p);
      p += aStep;
      low = madd(x, v128.shuffle<i64>(t0, t1, 0, 2), low);
      high = madd(x, v128.shuffle<i64>(t2, t3, 0, 2), high);
      if (left < 8) break;
      x = v128.load32_splat(p);
      p += aStep;
      low = madd(x, v128.shuffle<i64>(t0, t1, 1, 3), low);
      high = madd(x, v128.shuffle<i64>(t2, t3, 1, 3), high);
      if (left < 12) break;
      const u0 = v128.shuffle<f32>(r0, r1, 2, 6, 3, 7);
      const u1 = v128.shuffle<f32>(r2, r3, 2, 6, 3, 7);
      const u2 = v128.shuffle<f32>(r4, r5, 2, 6, 3, 7);
      const u3 = v128.shuffle<f32>(r6, r7, 2, 6, 3, 7);
      x = v128.load32_splat(p);
      p += aStep;
      low = madd(x, v128.shuffle<i64>(u0, u1, 0, 2), low);
      high = madd(x, v128.shuffle<i64>(u2, u3, 0, 2), high);
      if (left < 16) break;
      x = v128.load32_splat(p);
      p += aStep;
      low = madd(x, v128.shuffle<i64>(u0, u1, 1, 3), low);
      high = madd(x, v128.shuffle<i64>(u2, u3, 1, 3), high);
    }
    store2(to, columns - j, low, high);
  }
}

/** C[i,j] (+)= Σ A[i,k]·B[k,j] for rows [rowStart,rowEnd) and columns [colStart,colEnd). */
export function matmul(
  a: usize,
  aRowStride: i32,
  aColStride: i32,
  b: usize,
  bRowStride: i32,
  bColStride: i32,
  c: usize,
  cRowStride: i32,
  rowStart: i32,
  rowEnd: i32,
  colStart: i32,
  colEnd: i32,
  k: i32,
  scratch: usize,
  accumulate: i32,
): void {
  const rows = rowEnd - rowStart;
  const columns = colEnd - colStart;
  if (rows <= 0 || columns <= 0) return;
  const aRow = <usize> aRowStride * 4;
  const aCol = <usize> aColStride * 4;
  const bRow = <usize> bRowStride * 4;
  const bCol = <usize> bColStride * 4;
  const cRow = <usize> cRowStride * 4;
  a += <usize> rowStart * aRow;
  b += <usize> colStart * bCol;
  c += <usize> rowStart * cRow + <usize> colStart * 4;
  if (k <= 0) {
    if (!accumulate) {
      for (let i = 0; i < rows; ++i) memory.fill(c + <usize> i * cRow, 0, <usize> columns * 4);
    }
    return;
  }
  const transposed = bColStride != 1 && columns > 1;
  if (rows == 1) {
    go(onRow);
    if (transposed) rowTransposed(a, aCol, b, bCol, c, columns, k, accumulate);
    else row(a, aCol, b, bRow, c, columns, k, accumulate);
    return;
  }
  // Packing B costs about as much as four rows of products. It pays for many rows, and for a few
  // where rows lie a multiple of 2 KiB apart and fall on the same lines of L1 (×1.24 at 32 rows).
  const pack = transposed || rows >= 64 || (rows >= 16 && (bRowStride & 511) == 0);
  // To pack A pays for many columns: one stored by column is strided too, and rows of a row-major one
  // need a pointer and an access each, where packed ones are read together.
  const aPacked = (aRowStride != 1 && aColStride != 1) || (k >= 64 && columns >= 48);
  go((pack ? onPackedB : 0) | (aPacked ? onPackedA : 0));
  const kMajor = aPacked || aColStride != 1;
  const scratchA = scratch + packedB;
  // Blocks of k of about equal depth, in whole steps of four.
  const kBlocks = (k + kBlock - 1) / kBlock;
  const kStep = ((k + kBlocks - 1) / kBlocks + 3) & ~3;
  const packedRow: usize = 32 * <usize> ((columns + 7) >> 3);
  const keeps = columns <= columnBlock && packedRow * <usize> ((k + 3) & ~3) <= packedB ? holder : 0;
  const ready = keeps != 0 && held == keeps;
  if (pack && ready) go(onHeldB);
  for (let k0 = 0; k0 < k; k0 += kStep) {
    const depth = least(kStep, k - k0);
    const resume = accumulate | i32(k0 > 0);
    for (let j0 = 0; j0 < columns; j0 += columnBlock) {
      const width = least(columnBlock, columns - j0);
      let bBlock = b + <usize> k0 * bRow + <usize> j0 * bCol;
      let bStep = bRow;
      let panelStep: usize = 32;
      if (pack) {
        const packed = keeps ? scratch + packedRow * <usize> k0 : scratch;
        if (!ready) {
          if (transposed) packTransposed(bBlock, bCol, width, depth, packed);
          else packRows(bBlock, bRow, width, depth, packed);
        }
        bBlock = packed;
        bStep = 32;
        panelStep = 32 * <usize> ((depth + 3) & ~3);
      }
      for (let i0 = 0; i0 < rows; i0 += rowBlock) {
        const height = least(rowBlock, rows - i0);
        // Heights of 6 as far as they go, then 4, so that few blocks hold fewer than three rows.
        const rest = height % 6;
        let tall = height;
        if (rest == 1 || rest == 2) tall = height > 6 ? height - rest - 6 : 0;
        else if (rest < 5) tall = height - rest;
        const short = height - tall;
        let aTall = a + <usize> i0 * aRow + <usize> k0 * aCol;
        let aShort = aTall + <usize> tall * aRow;
        let step6 = kMajor ? aCol : aRow;
        let step4 = step6;
        let block6: usize = 6 * aRow;
        let block4: usize = 4 * aRow;
        if (aPacked) {
          packA(aTall, aRow, aCol, tall, 6, depth, scratchA);
          const packedShort = scratchA + 4 * <usize> ((tall + 5) / 6 * 6 * depth);
          packA(aShort, aRow, aCol, short, 4, depth, packedShort);
          aTall = scratchA;
          aShort = packedShort;
          step6 = 24;
          step4 = 16;
          block6 = 24 * <usize> depth;
          block4 = 16 * <usize> depth;
        }
        const cTall = c + <usize> i0 * cRow + <usize> j0 * 4;
        const cShort = cTall + <usize> tall * cRow;
        let panel = bBlock;
        for (let j = 0; j < width; j += 8) {
          const w = least(8, width - j);
          const at = <usize> j * 4;
          const to = cTall + at;
          const below = cShort + at;
          if (!pack || kMajor != aPacked) {
            if (w > 4) {
              if (kMajor) {
                strip6x2k(aTall, step6, block6, panel, bStep, to, cRow, tall, w, depth, resume);
                strip4x2k(aShort, step4, block4, panel, bStep, below, cRow, short, w, depth, resume);
              } else {
                strip6x2r(aTall, step6, block6, panel, bStep, to, cRow, tall, w, depth, resume);
                strip4x2r(aShort, step4, block4, panel, bStep, below, cRow, short, w, depth, resume);
              }
            } else if (kMajor) {
              strip6x1k(aTall, step6, block6, panel, bStep, to, cRow, tall, w, depth, resume);
              strip4x1k(aShort, step4, block4, panel, bStep, below, cRow, short, w, depth, resume);
            } else {
              strip6x1r(aTall, step6, block6, panel, bStep, to, cRow, tall, w, depth, resume);
              strip4x1r(aShort, step4, block4, panel, bStep, below, cRow, short, w, depth, resume);
            }
          } else if (w > 4) {
            if (aPacked) {
              strip6x2kp(aTall, block6, panel, to, cRow, tall, w, depth, resume);
              strip4x2kp(aShort, block4, panel, below, cRow, short, w, depth, resume);
            } else {
              strip6x2rp(aTall, step6, block6, panel, to, cRow, tall, w, depth, resume);
              strip4x2rp(aShort, step4, block4, panel, below, cRow, short, w, depth, resume);
            }
          } else if (aPacked) {
            strip6x1kp(aTall, block6, panel, to, cRow, tall, w, depth, resume);
            strip4x1kp(aShort, block4, panel, below, cRow, short, w, depth, resume);
          } else {
            strip6x1rp(aTall, step6, block6, panel, to, cRow, tall, w, depth, resume);
            strip4x1rp(aShort, step4, block4, panel, below, cRow, short, w, depth, resume);
          }
          panel += panelStep;
        }
      }
    }
  }
  if (pack) held = keeps;
}
