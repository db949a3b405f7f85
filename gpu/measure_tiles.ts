import type { BufferSpec, StridedOperand, StructuredCall } from "../core/graph/call.ts";
import { inputLeaf } from "../core/graph/leaf.ts";
import type { Plan } from "../core/graph/plan.ts";
import { contiguousStrides, sizeOf } from "../core/graph/shape.ts";
import type { Tensor } from "../core/graph/tensor.ts";
import { compilePlan } from "./compile.ts";
import type { GpuContext } from "./context.ts";
import { GpuExecutable } from "./executable.ts";
import { GpuStorage } from "./storage.ts";
import {
  defaultTiles,
  suitsTile,
  tileCandidates,
  type TileChoice,
  type TiledTile,
} from "./tiles.ts";
import type { Tuning } from "./tuning.ts";

/** What a measurement needs of a device. */
export interface MeasuredDevice extends GpuContext {
  /** Name of the hardware. */
  readonly name: string;
  /** What kernels are shaped by. */
  readonly tuning: Tuning;
}

/** Rows, terms and columns of a product that stands for its class. */
export type MeasuredSizes = Readonly<Record<keyof TileChoice, readonly [number, number, number]>>;

/** Products large enough for their times to differ, small enough to take less than a millisecond. */
const usualSizes: MeasuredSizes = { large: [1024, 512, 1024], medium: [256, 512, 256] };

/** Times that each tile is measured, after one that is not counted. */
const rounds = 3;

/** How much faster than the first a tile must be to be taken: less is noise. */
const gain = 0.95;

/** Choices of this process by adapter. */
const known = new Map<string, Promise<TileChoice>>();

/** The measured tiles of a device's adapter, from the first measurement in this process that went well. */
export function measuredTiles(device: MeasuredDevice): Promise<TileChoice> {
  const { name } = device;
  let choice = known.get(name);
  if (!choice) {
    known.set(name, choice = measureTiles(device));
    // A device may go away, or have no memory left, where the next one measures well.
    choice.catch(() => known.delete(name));
  }
  return choice;
}

/**
 * Measures how long products take with different tiles, by timestamps in a single submit.
 *
 * @param device The device.
 * @param sizes The products.
 * @returns The fastest tiles; the usual ones on a device without timestamps.
 */
export async function measureTiles(
  device: MeasuredDevice,
  sizes: MeasuredSizes = usualSizes,
): Promise<TileChoice> {
  if (!device.resources.device.features.has("timestamp-query")) return defaultTiles;
  const runs = (["large", "medium"] as const).flatMap((size) =>
    tileCandidates[size].filter((tile) => suitsTile(tile, device.tuning))
      .map((tile) => ({ size, tile, ...prepare(device, sizes[size], tile) }))
  );
  try {
    const times = await takeTimes(device, runs.map(({ executable }) => executable));
    const timed = runs.map((run, place) => ({ ...run, time: times[place] }));
    return {
      large: fastest("large", timed.filter(({ size }) => size === "large")),
      medium: fastest("medium", timed.filter(({ size }) => size === "medium")),
    };
  } finally {
    for (const { executable, storages } of runs) {
      executable.dispose();
      for (const storage of storages) storage.dispose();
    }
  }
}

/** The tile with the shortest time; timestamps that stand still or run backwards say nothing. */
function fastest(
  size: keyof TileChoice,
  runs: readonly { readonly tile: TiledTile; readonly time: number }[],
): TiledTile {
  let best = defaultTiles[size];
  let least = Infinity;
  for (const { tile, time } of runs) {
    if (!(time > 0 && time < least * gain)) continue;
    best = tile;
    least = time;
  }
  return best;
}

/** A product with a tile, whatever its size. */
function prepare(
  device: MeasuredDevice,
  [rows, inner, columns]: readonly [number, number, number],
  tile: TiledTile,
): { executable: GpuExecutable; storages: GpuStorage[] } {
  const leaves = [[rows, inner], [inner, columns]].map((shape) =>
    inputLeaf("operand", shape, "f32")
  );
  const storages = leaves.map(({ size }) => new GpuStorage(device, "f32", size, "operand"));
  const tuning = { ...device.tuning, software: false, tiles: { large: tile, medium: tile } };
  const compiled = compilePlan(productPlan(leaves, [rows, columns]), 0, tuning);
  const bind = (leaf: Tensor) => storages[leaves.indexOf(leaf)];
  return { executable: new GpuExecutable(device, compiled, bind, 0), storages };
}

/** The plan of the product of two leaves. */
function productPlan(leaves: readonly Tensor[], shape: readonly number[]): Plan {
  const arena = leaves.length;
  const operand = (buffer: number, shape: readonly number[]): StridedOperand => ({
    buffer,
    offset: 0,
    shape,
    strides: contiguousStrides(shape),
    dtype: "f32",
  });
  const output = operand(arena, shape);
  const nothing = new Map<number, boolean>();
  const call: StructuredCall = {
    kind: "structured",
    name: "matmul",
    attributes: {},
    operands: leaves.map((leaf, buffer) => operand(buffer, leaf.shape)),
    output,
    partition: { units: 1, replicated: false, reads: nothing, writes: nothing, axis: "rows" },
    work: { flops: 2 * sizeOf(shape) * leaves[0].shape[1] },
    label: { text: "matmul", operations: "matmul", owners: [] },
  };
  const buffers = [...leaves, null].map((leaf): BufferSpec => ({
    leaf,
    dtype: "f32",
    elements: leaf ? leaf.size : sizeOf(shape),
    offset: 0,
  }));
  return { phases: [[call]], buffers, arenaBytes: 0, scalars: [], outputs: [output], leaves };
}

/** The shortest time of each program, in ticks. */
async function takeTimes(
  measured: MeasuredDevice,
  programs: readonly GpuExecutable[],
): Promise<number[]> {
  const { resources } = measured;
  const { device } = resources;
  const count = 2 * (rounds + 1) * programs.length;
  const querySet = device.createQuerySet({ type: "timestamp", count });
  const usage = GPUBufferUsage.QUERY_RESOLVE | GPUBufferUsage.COPY_SRC;
  const buffer = resources.buffer("the times of tiles", count * 8, usage);
  const encoder = device.createCommandEncoder();
  for (let place = 0; place < count / 2; place++) {
    const pass = encoder.beginComputePass({
      timestampWrites: {
        querySet,
        beginningOfPassWriteIndex: 2 * place,
        endOfPassWriteIndex: 2 * place + 1,
      },
    });
    programs[place % programs.length].encode(pass, 0);
    pass.end();
  }
  encoder.resolveQuerySet(querySet, 0, count, buffer, 0);
  device.queue.submit([encoder.finish()]);
  resources.statistics.submits++;
  const words = new Uint32Array(count * 2);
  await measured.readBuffer(buffer, 0, words);
  querySet.destroy();
  buffer.destroy();
  const ticks = new BigUint64Array(words.buffer);
  return programs.map((_, program) => {
    const times = Array.from({ length: rounds }, (_, round) => {
      const place = 2 * ((round + 1) * programs.length + program);
      return Number(ticks[place + 1] - ticks[place]);
    });
    return Math.min(...times);
  });
}
