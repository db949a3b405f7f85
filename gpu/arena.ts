import type { BufferSpec, StridedOperand } from "../core/graph/call.ts";
import type { Touched } from "./call.ts";

/** Bytes whose multiples buffers begin at. */
const line = 64;

interface Life {
  readonly buffer: BufferSpec;
  readonly first: number;
  readonly bytes: number;
  last: number;
}

/**
 * Gives every buffer of the arena an offset, so that buffers alive in the same dispatch lie apart.
 *
 * The plan's own offsets are not used: fusion moves calls, and memory that was free may not be.
 *
 * @param dispatches What the calls of each dispatch touch.
 * @param buffers The buffers; those of the arena get new offsets.
 * @param outputs Operands that outlive the step.
 * @returns Bytes of the arena.
 */
export function layOutArena(
  dispatches: readonly (readonly Touched[])[],
  buffers: readonly BufferSpec[],
  outputs: readonly StridedOperand[],
): number {
  const lives = new Map<number, Life>();
  const touch = (index: number, time: number) => {
    const buffer = buffers[index];
    if (buffer?.leaf !== null) return;
    const life = lives.get(index);
    const bytes = Math.ceil(buffer.elements * 4 / line) * line;
    if (life) life.last = time;
    else lives.set(index, { buffer, first: time, last: time, bytes });
  };
  dispatches.forEach((calls, time) => {
    for (const { reads, writes } of calls) {
      for (const { buffer } of [...writes, ...reads]) touch(buffer, time);
    }
  });
  for (const output of outputs) touch(output.buffer, dispatches.length);
  return place([...lives.values()]);
}

/** Largest first, each at the lowest offset where no neighbour in time lies. */
function place(lives: Life[]): number {
  const placed: Life[] = [];
  let end = 0;
  for (const life of lives.sort((a, b) => b.bytes - a.bytes)) {
    const neighbours = placed
      .filter((other) => other.first <= life.last && life.first <= other.last)
      .sort((a, b) => a.buffer.offset - b.buffer.offset);
    let offset = 0;
    for (const other of neighbours) {
      if (offset + life.bytes <= other.buffer.offset) break;
      offset = Math.max(offset, other.buffer.offset + other.bytes);
    }
    life.buffer.offset = offset;
    placed.push(life);
    end = Math.max(end, offset + life.bytes);
  }
  return end;
}
