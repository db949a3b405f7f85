import { alternateMemories, arenaMemory, memoryOf, type Touched } from "./call.ts";
import type { GpuBuffer } from "./packed.ts";

/** Where a buffer is read and written: places of dispatches. */
interface Uses {
  readonly reads: Set<number>;
  readonly writes: Set<number>;
}

/**
 * Deals out the buffers of the arena among several, so that a dispatch reads from others than it
 * writes to: what it does not write can be bound as a uniform, see {@link chooseUniforms}.
 *
 * Each goes, in order of its first use, to the arena where the fewest elements have to be read
 * through storage for its sake.
 *
 * @param dispatches What the calls of each dispatch touch.
 * @param buffers The buffers; those of the arena get a number of one.
 */
export function alternateArenas(
  dispatches: readonly (readonly Touched[])[],
  buffers: GpuBuffer[],
): void {
  const arenas = alternateMemories.map((memory) => ({
    memory,
    // For each dispatch: elements read from the arena, and whether it is written to.
    read: new Float64Array(dispatches.length),
    written: new Uint8Array(dispatches.length),
  }));
  for (const [number, { reads, writes }] of findUses(dispatches, buffers)) {
    const { elements } = buffers[number];
    const slowed = ({ read, written }: typeof arenas[number]) => {
      let sum = 0;
      for (const place of reads) if (written[place]) sum += elements;
      for (const place of writes) if (!written[place]) sum += read[place];
      return sum;
    };
    let best = arenas[0];
    let least = Infinity;
    for (const arena of arenas) {
      const cost = slowed(arena);
      if (cost < least) [best, least] = [arena, cost];
    }
    for (const place of reads) best.read[place] += elements;
    for (const place of writes) best.written[place] = 1;
    if (best.memory !== arenaMemory) buffers[number] = { ...buffers[number], arena: best.memory };
  }
}

/** The buffers of the arena, in order of their first use. */
function findUses(
  dispatches: readonly (readonly Touched[])[],
  buffers: readonly GpuBuffer[],
): Map<number, Uses> {
  const uses = new Map<number, Uses>();
  const usesOf = (buffer: number) => {
    const known = uses.get(buffer) ?? { reads: new Set(), writes: new Set() };
    uses.set(buffer, known);
    return known;
  };
  dispatches.forEach((calls, place) => {
    for (const { reads, writes } of calls) {
      for (const { buffer } of reads) {
        if (memoryOf(buffers, buffer) === arenaMemory) usesOf(buffer).reads.add(place);
      }
      for (const { buffer } of writes) {
        if (memoryOf(buffers, buffer) === arenaMemory) usesOf(buffer).writes.add(place);
      }
    }
  });
  return uses;
}
