import { sizeOf } from "../../graph/shape.ts";
import type { LoopNest } from "./loop_nest.ts";

/** Columns whose sums stay in registers: those of a cache line. */
const together = 16;
/** Bytes of operands from which it matters in which order they are read. */
const large = 1 << 18;
/** Bytes of a block of rows: with the sums, it stays in L1. */
const blockBytes = 1 << 14;
/** Fewest rows of a block: sums are read and written once in each. */
const fewestRows = 8;

/**
 * How many rows a sum over rows goes through, for all columns, before it goes on to the next rows;
 * 0 where it goes through all rows for some columns, then for the next ones. In blocks, memory is read
 * in order, once; the bits are the same, as every column still adds its rows one by one.
 */
export function rowsOfBlock({ kernel, shape, outer, inner, strides }: LoopNest): number {
  if (inner !== outer - 1 || kernel.reduced === 0 || shape[inner] <= together) return 0;
  const [store] = kernel.stores;
  const stored = strides[kernel.loads.length][inner];
  if (kernel.stores.length !== 1 || store.dtype === "bool" || stored !== 1) return 0;
  const folded = shape.slice(outer);
  const read =
    kernel.loads.filter((_, place) =>
      strides[place][inner] !== 0 && strides[place].slice(outer).some((stride) => stride !== 0)
    ).length;
  const row = 4 * read * shape[inner] * sizeOf(folded.slice(1));
  if (row * folded[0] < large) return 0;
  const rows = Math.max(fewestRows, Math.floor(blockBytes / row));
  return rows < folded[0] ? rows : 0;
}
