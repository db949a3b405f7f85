import { type Life, placeLives } from "../core/graph/arena.ts";
import type { StridedOperand } from "../core/graph/call.ts";
import { alternateMemories, halfMemory, memoryOf, type Touched } from "./call.ts";
import { elementBytes, type GpuBuffer } from "./packed.ts";

/** Bytes whose multiples buffers begin at. */
const line = 64;

/** Bytes of each arena, by the number that stands for it. */
export type ArenaBytes = ReadonlyMap<number, number>;

/**
 * Gives every buffer of an arena an offset, so that buffers alive in the same dispatch lie apart.
 *
 * The plan's own offsets are not used: fusion moves calls, and memory that was free may not be.
 *
 * @param dispatches What the calls of each dispatch touch.
 * @param buffers The buffers; those of the arenas get new offsets.
 * @param outputs Operands that outlive the step.
 * @returns Bytes of the arenas, of those that have any.
 */
export function layOutArenas(
  dispatches: readonly (readonly Touched[])[],
  buffers: readonly GpuBuffer[],
  outputs: readonly StridedOperand[],
): ArenaBytes {
  const arenas = new Map(
    [...alternateMemories, halfMemory].map((arena) => [arena, new Map<number, Life>()]),
  );
  const touch = (index: number, time: number) => {
    const lives = arenas.get(memoryOf(buffers, index));
    if (!lives) return;
    const buffer = buffers[index];
    const life = lives.get(index);
    const bytes = Math.ceil(buffer.elements * elementBytes(buffer) / line) * line;
    if (life) life.last = time;
    else lives.set(index, { buffer, first: time, last: time, bytes });
  };
  dispatches.forEach((calls, time) => {
    for (const { reads, writes } of calls) {
      for (const { buffer } of [...writes, ...reads]) touch(buffer, time);
    }
  });
  for (const output of outputs) touch(output.buffer, dispatches.length);
  return new Map(
    [...arenas].map(([arena, lives]) => [arena, placeLives([...lives.values()])] as const)
      .filter(([, bytes]) => bytes > 0),
  );
}
