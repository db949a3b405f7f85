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
 * in order, once.
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

/** The longest sum that a lane adds up one by one. */
const inOrder = 1024;
/** Lanes that share a sum along them: those of the vectors that are added up side by side. */
const lanes = 16;

/**
 * How much of the first folded dimension a long sum adds up for itself, so that it is a sum of sums: of
 * n numbers in order the last ones meet a sum that is n times as large, and lose their last digits; with
 * about √n sums of √n numbers a million times 0.1 is off by 1e-6 and not by 6e-4. 0 for a short sum.
 */
export function rowsOfPart({ kernel, shape, outer, inner }: LoopNest): number {
  if (kernel.reducer !== "sum" || kernel.stores[0].dtype !== "f32") return 0;
  const [first, ...others] = shape.slice(outer);
  const along = inner >= outer ? lanes : 1;
  const added = first * sizeOf(others) / along;
  if (added <= inOrder) return 0;
  const rows = Math.ceil(Math.sqrt(added) * along / sizeOf(others));
  // Whole vectors, where the lanes run along this very dimension.
  const whole = inner === outer ? Math.ceil(rows / lanes) * lanes : rows;
  return whole < first ? whole : 0;
}
