import type { MatmulSizes } from "./matrix.ts";
import type { Tuning } from "./tuning.ts";

/** How a matrix product is cut into pieces for threads. */
export type Tile =
  /** A thread computes a block from global memory. */
  | { readonly kind: "direct"; readonly rows: number; readonly columns: number }
  /** Some threads of a workgroup share the sum of a block, and add their parts in order. */
  | { readonly kind: "lanes"; readonly lanes: number }
  /** A workgroup loads a tile of both operands, and each thread computes a block of it. */
  | {
    readonly kind: "tiled";
    /** Rows of the workgroup's tile. */
    readonly rows: number;
    /** Columns of the workgroup's tile. */
    readonly columns: number;
    /** Terms that are loaded at a time. */
    readonly inner: number;
    /** Rows of a thread's block. */
    readonly blockRows: number;
    /** Columns of a thread's block. */
    readonly blockColumns: number;
  };

/** Threads below which a GPU has idle cores. */
const enough = 16384;

/**
 * Chooses the kernel of a matrix product. Measured choices for an adapter belong here.
 *
 * @param sizes Sizes of the product.
 * @param tuning The adapter.
 * @returns The pieces.
 */
export function chooseTile(sizes: MatmulSizes, tuning: Tuning): Tile {
  const { batches, rows, columns, inner } = sizes;
  const results = batches * rows * columns;
  if (tuning.software) {
    // Loads cost most where the adapter computes on the CPU: large blocks, no shared memory.
    return { kind: "direct", rows: Math.min(4, rows), columns: Math.min(4, columns) };
  }
  if (results < enough) {
    const wanted = Math.min(enough / Math.max(results, 1), inner / 8, tuning.lanes);
    const lanes = 2 ** Math.floor(Math.log2(Math.max(wanted, 1)));
    if (lanes > 1) return { kind: "lanes", lanes };
  }
  const large = tuning.invocations >= 256 && Math.min(rows, columns) >= 64;
  if (large && results >= 128 * 128 * 64 && tuning.sharedBytes >= 16384) {
    return { kind: "tiled", rows: 128, columns: 128, inner: 16, blockRows: 8, blockColumns: 8 };
  }
  if (large && inner >= 16) {
    return { kind: "tiled", rows: 64, columns: 64, inner: 16, blockRows: 4, blockColumns: 4 };
  }
  if (results < enough * 4) return { kind: "direct", rows: 1, columns: 1 };
  return { kind: "direct", rows: Math.min(2, rows), columns: Math.min(2, columns) };
}

/**
 * Parts into which the sums of a product are cut so that they keep a GPU busy; 1 leaves them whole.
 *
 * @param sizes Sizes of the product.
 * @param tuning The adapter.
 * @returns Number of parts, added up by a second kernel.
 */
export function chooseSlices(sizes: MatmulSizes, tuning: Tuning): number {
  const { batches, rows, columns, inner } = sizes;
  if (tuning.software || batches !== 1 || inner < 1024) return 1;
  const tile = chooseTile(sizes, tuning);
  if (tile.kind === "lanes") return 1;
  const workgroups = tile.kind === "tiled"
    ? Math.ceil(rows / tile.rows) * Math.ceil(columns / tile.columns)
    : rows * columns / (tile.rows * tile.columns * tuning.lanes);
  return Math.max(1, Math.min(64, Math.floor(128 / workgroups), Math.floor(inner / 256)));
}
