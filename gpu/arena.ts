import { type Life, placeLives } from "../core/graph/arena.ts";
import { bytesPerElement } from "../core/graph/dtype.ts";
import type { StridedOperand } from "../core/graph/call.ts";
import { arenaMemory, memoryOf, type Touched } from "./call.ts";
import type { GpuBuffer } from "./packed.ts";

/** Bytes whose multiples buffers begin at. */
const line = 64;

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
  buffers: readonly GpuBuffer[],
  outputs: readonly StridedOperand[],
): number {
  const lives = new Map<number, Life>();
  const touch = (index: number, time: number) => {
    const buffer = buffers[index];
    if (memoryOf(buffers, index) !== arenaMemory) return;
    const life = lives.get(index);
    const bytes = Math.ceil(buffer.elements * bytesPerElement(buffer.dtype) / line) * line;
    if (life) life.last = time;
    else lives.set(index, { buffer, first: time, last: time, bytes });
  };
  dispatches.forEach((calls, time) => {
    for (const { reads, writes } of calls) {
      for (const { buffer } of [...writes, ...reads]) touch(buffer, time);
    }
  });
  for (const output of outputs) touch(output.buffer, dispatches.length);
  return placeLives([...lives.values()]);
}
