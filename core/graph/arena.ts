import { bytesPerElement } from "./dtype.ts";
import type { BufferSpec, StridedOperand } from "./call.ts";
import type { ScheduledCall } from "./schedule.ts";

/** Buffers begin at multiples of a cache line, and a line lies between them: kernels may read past. */
const line = 64;

/** A buffer and the time, in any unit, in which it is needed. */
export interface Life {
  /** The buffer; it is given its offset. */
  readonly buffer: BufferSpec;
  /** First moment. */
  readonly first: number;
  /** Last moment. */
  last: number;
  /** Bytes that it takes. */
  readonly bytes: number;
}

/**
 * Gives every buffer of the arena an offset, so that buffers alive in the same phase lie apart.
 * Memory is reused across phases only: inside one, threads are at different calls.
 *
 * @returns Bytes of the arena.
 */
export function planArena(
  phases: readonly (readonly ScheduledCall[])[],
  buffers: readonly BufferSpec[],
  outputs: readonly StridedOperand[],
): number {
  return placeLives(findLives(phases, buffers, outputs));
}

/** Largest first, each at the lowest offset where no neighbour in time lies; gives the bytes of all. */
export function placeLives(lives: Life[]): number {
  // By offset, so that the first gap is found without sorting again.
  const placed: Life[] = [];
  // Where the last one of the same times and bytes ends: no gap before it is large enough.
  const behind = new Map<string, number>();
  let end = 0;
  for (const life of lives.sort((a, b) => b.bytes - a.bytes)) {
    const alike = `${life.first}-${life.last}:${life.bytes}`;
    let offset = behind.get(alike) ?? 0;
    for (let place = placeOf(offset - 1, placed); place < placed.length; place++) {
      const other = placed[place];
      if (offset + life.bytes <= other.buffer.offset) break;
      if (other.first > life.last || life.first > other.last) continue;
      offset = Math.max(offset, other.buffer.offset + other.bytes);
    }
    life.buffer.offset = offset;
    placed.splice(placeOf(offset, placed), 0, life);
    behind.set(alike, offset + life.bytes);
    end = Math.max(end, offset + life.bytes);
  }
  return end;
}

/** The place behind all buffers whose offset is at most this one. */
function placeOf(offset: number, placed: readonly Life[]): number {
  let [low, high] = [0, placed.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if (placed[middle].buffer.offset <= offset) low = middle + 1;
    else high = middle;
  }
  return low;
}

function findLives(
  phases: readonly (readonly ScheduledCall[])[],
  buffers: readonly BufferSpec[],
  outputs: readonly StridedOperand[],
): Life[] {
  const lives = new Map<number, Life>();
  const touch = (index: number, phase: number) => {
    const buffer = buffers[index];
    if (buffer.leaf !== null) return;
    const life = lives.get(index);
    if (life) life.last = Math.max(life.last, phase);
    else {
      const bytes = Math.ceil(buffer.elements * bytesPerElement(buffer.dtype) / line) * line + line;
      lives.set(index, { buffer, first: phase, last: phase, bytes });
    }
  };
  phases.forEach((phase, number) => {
    for (const { call } of phase) {
      for (const index of call.partition.writes.keys()) touch(index, number);
      for (const index of call.partition.reads.keys()) touch(index, number);
    }
  });
  for (const output of outputs) touch(output.buffer, phases.length);
  return [...lives.values()];
}
