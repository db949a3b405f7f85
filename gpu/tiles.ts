import { mostTurns } from "./kernels/counted_loop.ts";
import type { MatmulSizes } from "./matrix.ts";
import type { Tuning } from "./tuning.ts";

/** How a matrix product is cut into pieces for threads. */
export type Tile =
  /** A thread computes a block from global memory. */
  | { readonly kind: "direct"; readonly rows: number; readonly columns: number }
  /** Threads of a workgroup share the sums of a block, and add their parts in order. */
  | {
    readonly kind: "shared";
    /** Rows of the block. */
    readonly rows: number;
    /** Columns of the block. */
    readonly columns: number;
    /** Threads that share it, a power of two. */
    readonly slices: number;
  }
  | TiledTile;

/** A workgroup loads a tile of both operands, and each thread computes a block of it. */
export interface TiledTile {
  /** Tells the kinds apart. */
  readonly kind: "tiled";
  /** Rows of the workgroup's tile. */
  readonly rows: number;
  /** Columns of the workgroup's tile. */
  readonly columns: number;
  /** Terms that are loaded at a time. */
  readonly inner: number;
  /** Rows of a thread's block, a multiple of four. */
  readonly blockRows: number;
  /** Columns of a thread's block, a multiple of four. */
  readonly blockColumns: number;
  /** Whether the next terms are fetched into registers while those in shared memory are multiplied. */
  readonly ahead: boolean;
}

/** The tiles of products by their size. Whatever they are, a sum is added up in the same order. */
export interface TileChoice {
  /** Of products with a million results and more. */
  readonly large: TiledTile;
  /** Of smaller ones, from 64 rows and columns on. */
  readonly medium: TiledTile;
}

/** A tile of `rows` × `columns` of which a thread computes `blockRows` × `blockColumns`. */
function tiled(
  rows: number,
  columns: number,
  blockRows: number,
  blockColumns: number,
  ahead = false,
): TiledTile {
  // One number of terms for all of them: where the last terms are padded, all are padded alike.
  return { kind: "tiled", rows, columns, inner: 16, blockRows, blockColumns, ahead };
}

/** Tiles that are known to be good on many GPUs. */
export const defaultTiles: TileChoice = {
  large: tiled(128, 128, 8, 8),
  medium: tiled(64, 64, 4, 4),
};

/** The tile of products with many rows of few columns, as convolutions of few filters are. */
const narrowTile: TiledTile = tiled(128, 32, 8, 4);

/** Tiles that a measurement chooses from; the first is kept unless another is faster. */
export const tileCandidates: Readonly<Record<keyof TileChoice, readonly TiledTile[]>> = {
  large: [
    defaultTiles.large,
    tiled(128, 128, 8, 8, true),
    tiled(128, 64, 8, 4),
    tiled(128, 64, 8, 8, true),
    tiled(64, 64, 4, 4),
  ],
  medium: [
    defaultTiles.medium,
    tiled(64, 64, 4, 4, true),
    tiled(32, 32, 4, 4),
    tiled(64, 64, 8, 4),
    tiled(64, 64, 8, 8, true),
  ],
};

/** Threads of the workgroup of a tile. */
export function tileThreads({ rows, columns, blockRows, blockColumns }: TiledTile): number {
  return (rows / blockRows) * (columns / blockColumns);
}

/** True when an adapter has the threads and the shared memory for a tile. */
export function suitsTile(
  tile: TiledTile,
  { invocations, sharedBytes }: Pick<Tuning, "invocations" | "sharedBytes">,
): boolean {
  const bytes = (tile.rows + tile.columns) * tile.inner * 4;
  return tileThreads(tile) <= invocations && bytes <= sharedBytes;
}

/** Results from which a product is a large one. */
const largeResults = 128 * 128 * 64;

/** Results from which a product of few columns is cut into tiles: 32 workgroups. */
const narrowResults = 32 * 128 * 32;

/** Threads below which a GPU has idle cores. */
const enough = 16384;

/**
 * Chooses the kernel of a matrix product.
 *
 * @param sizes Sizes of the product.
 * @param tuning The adapter.
 * @param loads What loads cost on the software adapter.
 * @returns The pieces.
 */
export function chooseTile(
  sizes: MatmulSizes,
  tuning: Tuning,
  loads: LoadCosts = storageCosts,
): Tile {
  if (tuning.software) return chooseSoftwareTile(sizes, tuning, loads);
  const { batches, rows, columns, inner } = sizes;
  const results = batches * rows * columns;
  if (results < enough) {
    const wanted = Math.min(enough / Math.max(results, 1), inner / 8, tuning.lanes);
    const slices = 2 ** Math.floor(Math.log2(Math.max(wanted, 1)));
    if (slices > 1) return { kind: "shared", rows: 1, columns: 1, slices };
  }
  const { large, medium } = tuning.tiles;
  if (Math.min(rows, columns) >= 64) {
    if (results >= largeResults && suitsTile(large, tuning)) return large;
    if (inner >= 16 && suitsTile(medium, tuning)) return medium;
  }
  const isNarrow = columns >= 16 && columns < 64 && results >= narrowResults;
  if (isNarrow && batches === 1 && inner >= 16 && suitsTile(narrowTile, tuning)) return narrowTile;
  if (results < enough * 4) return { kind: "direct", rows: 1, columns: 1 };
  return { kind: "direct", rows: Math.min(2, rows), columns: Math.min(2, columns) };
}

/**
 * Nanoseconds that the software adapter takes for eight threads, measured: a multiplication, and
 * handing a result to another thread or to what becomes of it.
 */
const softwareCosts = { multiply: 1.2, pass: 90 };

/** Nanoseconds in which eight threads of the software adapter load a term of a block. */
export interface LoadCosts {
  /** So many rows of the first operand. */
  a(rows: number): number;
  /** So many columns of the second. */
  b(columns: number): number;
  /** See {@link mostResults}. */
  readonly isLong: boolean;
}

/** Costs of operands in storage buffers. */
const storageCosts: LoadCosts = {
  a: (rows) => 60 * rows,
  b: (columns) => 60 * columns,
  isLong: false,
};

/** Costs of operands in uniform bindings. */
const uniformCosts: LoadCosts = {
  a: (rows) => 8 * rows,
  b: (columns) => 8 * columns,
  isLong: false,
};

/** Threads of the software adapter that compute at once: two cores, eight to a vector. */
const busyThreads = 16;

/**
 * Results that a thread of the software adapter keeps at most: 240 ran twice as fast as 64, but the
 * adapter compiled them for 7 to 29 seconds, and 64 in half a second. With 32, the small digit network
 * compiled in two thirds of the time, but a step took 1.7 times as long; convolutions, whose elements
 * are long to read, compiled in a third, and ran as fast.
 */
const mostResults = { usual: 64, long: 32 };

/**
 * The tile of a product on the software adapter. Whether threads share sums, and how, follows from the
 * shape alone: where operands are bound hangs on what else a plan does, and must not change a bit.
 */
function chooseSoftwareTile(sizes: MatmulSizes, tuning: Tuning, loads: LoadCosts): Tile {
  const usual = tuning.uniformBytes > 0 ? uniformCosts : storageCosts;
  const shared = cheapestTile(sizes, tuning, loads.isLong ? loads : usual, tuning.lanes);
  return shared.kind === "shared" ? shared : cheapestTile(sizes, tuning, loads, 1);
}

/**
 * The software adapter fetches element by element while it multiplies eight at a time: large blocks
 * pay, as long as all of its threads have one.
 */
function cheapestTile(
  { batches, rows, columns, inner }: MatmulSizes,
  { lanes, sharedBytes }: Tuning,
  loads: LoadCosts,
  mostSlices: number,
): Tile {
  let best: Tile = { kind: "direct", rows: 1, columns: 1 };
  let least = Infinity;
  for (const down of [1, 2, 4, 8, 16]) {
    for (const across of [1, 2, 4, 8, 16]) {
      for (let slices = 1; slices <= mostSlices; slices *= 2) {
        const block = { rows: evenly(rows, down), columns: evenly(columns, across) };
        const size = block.rows * block.columns;
        if (size > (loads.isLong ? mostResults.long : mostResults.usual)) continue;
        if (slices > 1 && (size * lanes * 4 > sharedBytes || slices * 4 > inner)) continue;
        const blocks = batches * Math.ceil(rows / block.rows) * Math.ceil(columns / block.columns);
        const rounds = Math.ceil(blocks * slices / busyThreads);
        const { multiply, pass } = softwareCosts;
        const term = loads.a(block.rows) + loads.b(block.columns) + size * multiply;
        const parts = slices > 1 ? size * pass : 0;
        const cost = rounds * (Math.ceil(inner / slices) * term + parts);
        if (cost >= least) continue;
        least = cost;
        best = slices > 1 ? { kind: "shared", ...block, slices } : { kind: "direct", ...block };
      }
    }
  }
  return best;
}

/** How many threads of a software adapter a product keeps busy. */
export function softwareThreads(sizes: MatmulSizes, tuning: Tuning): number {
  const tile = chooseSoftwareTile(sizes, tuning, storageCosts);
  const blocks = Math.ceil(sizes.rows / tile.rows) * Math.ceil(sizes.columns / tile.columns);
  return sizes.batches * blocks * (tile.kind === "shared" ? tile.slices : 1);
}

/** The size of pieces of at most `most` that cut `size` most evenly. */
function evenly(size: number, most: number): number {
  return Math.ceil(size / Math.max(1, Math.ceil(size / most)));
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
  if (batches !== 1 || inner < 1024) return 1;
  if (tuning.software) {
    // A software adapter has no idle cores, but leaves loops of too many turns.
    const whole = chooseTile(sizes, tuning);
    return Math.ceil(inner / (whole.kind === "shared" ? whole.slices : 1) / mostTurns);
  }
  // A measurement must not change how many parts are added up, and with it the last bits.
  const tile = chooseTile(sizes, { ...tuning, tiles: defaultTiles });
  if (tile.kind === "shared") return 1;
  const workgroups = tile.kind === "tiled"
    ? Math.ceil(rows / tile.rows) * Math.ceil(columns / tile.columns)
    : rows * columns / (tile.rows * tile.columns * tuning.lanes);
  return Math.max(1, Math.min(64, Math.floor(128 / workgroups), Math.floor(inner / 256)));
}
