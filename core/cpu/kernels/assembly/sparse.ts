/**
 * Products whose first operand is zeros for the most part, as digits on a black ground, bags of words,
 * one-hot rows and much of what relu leaves: only what is not zero is multiplied. Zeros would add
 * nothing, so the bits are those of the general way.
 */
import {
  listBytes,
  listMasked,
  listStep,
  maskBytes,
  maskColumns,
  maskRows,
  maskStep,
  notZero,
  rowBlock,
} from "./masks";
import { evenStep, least, packRows, packTransposed } from "./pack";
import { listedSums, listLength, maskedSums } from "./strips";
import { go, onLists } from "./ways";

/** Columns of C that are summed at a time, in eight registers. */
const panelColumns: i32 = 32;
/** Columns of B that are packed at once. */
const columnBlock: i32 = 512;
/** Columns from which lists pay, as each row is gone through once for every 32. */
const listedColumns: i32 = 192;
/** Rows from which it pays to pack a row-major B. */
const packedRows: i32 = 64;
const packedBytes: usize = 4 * listLength * columnBlock;
/** Bytes of scratch: packed columns of B, masks and lists. */
export const sparseBytes: usize = packedBytes + maskBytes + listBytes;

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
 * them, fewer where finding them serves few columns, or rows are short.
 */
function hasZeros(a: usize, lines: i32, step: usize, length: i32, columns: i32, k: i32): bool {
  const most = <f32> 0.4 - <f32> 2.5 / <f32> columns - <f32> 1 / <f32> k;
  if (most <= 0) return false;
  let found = 0;
  for (let i = 0; i < looks; ++i) {
    const line = <usize> (i * lines / looks);
    // Multiples of the golden ratio fall everywhere.
    const place = <usize> (<u64> (<u32> i * 2654435769) * <u64> (length - 3) >> 32);
    found += popcnt(i32x4.bitmask(notZero(a + line * step + 4 * place)));
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
  const masks = scratch + packedBytes;
  const lists = masks + maskBytes;
  const kStep = evenStep(k, listLength);
  for (let k0 = 0; k0 < k; k0 += kStep) {
    const depth = least(kStep, k - k0);
    const resume = accumulate | i32(k0 > 0);
    const words = (depth + 63) >> 6;
    for (let j0 = 0; j0 < columns; j0 += columnBlock) {
      const width = least(columnBlock, columns - j0);
      const listed = width >= listedColumns;
      if (listed) go(onLists);
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
        const from = a + <usize> i0 * aRow + <usize> k0 * aCol;
        if (aCol == 4) maskRows(from, aRow, height, depth, masks);
        else maskColumns(from, aCol, height, depth, masks);
        if (listed) listMasked(masks, words, from, aRow, aCol, height, bStep, lists);
        let to = c + <usize> i0 * cRow + 4 * <usize> j0;
        let panel = panels;
        for (let j = 0; j < width; j += panelColumns) {
          const some = least(panelColumns, width - j);
          if (listed) listedSums(lists, listStep, panel, to, cRow, height, some, resume);
          else {
            maskedSums(
              masks,
              maskStep,
              words,
              from,
              aRow,
              aCol,
              panel,
              bStep,
              to,
              cRow,
              height,
              some,
              resume,
            );
          }
          panel += panelStep;
          to += 4 * panelColumns;
        }
      }
    }
  }
}
