/**
 * C = A·B in float32. Every element is one chain of multiply-adds in increasing k, whatever the
 * block it falls in, so its bits depend neither on the number of threads nor on the tiling.
 */
import { evenStep, least, packA, packRows, packTransposed } from "./pack";
import { row, rowTransposed } from "./row";
import { forgetFinite, isSparse, sparseProduct } from "./sparse";
import {
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
import { go, onHeldB, onPackedA, onPackedB, onRow, onSparse } from "./ways";

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
  forgetFinite();
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
  if (isSparse(a, aRow, aCol, b, bRow, bCol, rows, columns, k, holder)) {
    go(onSparse);
    sparseProduct(a, aRow, aCol, b, bRow, bCol, c, cRow, rows, columns, k, scratch, accumulate);
    held = 0;
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
  const kStep = evenStep(k, kBlock);
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
          if (transposed) packTransposed(bBlock, bCol, width, depth, packed, 8);
          else packRows(bBlock, bRow, width, depth, packed, 8);
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
