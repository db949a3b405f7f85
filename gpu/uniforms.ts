import type { ArenaBytes } from "./arena.ts";
import { memoryOf, recordMemory, type Touched } from "./call.ts";
import { elementBytes, type GpuBuffer } from "./packed.ts";
import type { Tuning } from "./tuning.ts";

/** Offsets of uniform bindings are multiples of this by WebGPU's default limits. */
export const uniformAlignment = 256;

/** Uniform bindings that every kernel may have besides: the scalar block and the places. */
const ownBindings = 2;

/** Bindings that one memory is spread over at most. */
export const mostWindows = 2;

/**
 * Chooses the memories that a dispatch reads through uniform bindings, where an adapter reads those
 * faster: what is small and not written in the same dispatch.
 *
 * Mesa's software adapter takes 60 ns to read eight elements of a storage buffer, and 7 ns to read
 * them through a uniform binding: it tests each address of the former in a branch of its own.
 *
 * @param touched What the calls of the dispatch touch.
 * @param buffers The plan's buffers.
 * @param arenas Bytes of the arenas.
 * @param tuning The adapter.
 * @returns Bytes of each chosen memory, a multiple of 16.
 */
export function chooseUniforms(
  touched: readonly Touched[],
  buffers: readonly GpuBuffer[],
  arenas: ArenaBytes,
  { uniformBytes, uniformBuffers }: Tuning,
): ReadonlyMap<number, number> {
  const written = new Set<number>([recordMemory]);
  const read = new Map<number, number>();
  for (const { reads, writes } of touched) {
    for (const { buffer } of writes) written.add(memoryOf(buffers, buffer));
    for (const { buffer } of reads) {
      if (buffers[buffer].leaf === "scalars") continue;
      const memory = memoryOf(buffers, buffer);
      const own = buffers[buffer].elements * elementBytes(buffers[buffer]);
      const bytes = arenas.get(memory) ?? own;
      read.set(memory, Math.max(16, Math.ceil(bytes / 16) * 16));
    }
  }
  const chosen = new Map<number, number>();
  let free = uniformBuffers - ownBindings;
  for (const [memory, bytes] of [...read].sort(([, a], [, b]) => a - b)) {
    const windows = Math.ceil(bytes / uniformBytes);
    if (written.has(memory) || windows > mostWindows || windows > free) continue;
    free -= windows;
    chosen.set(memory, bytes);
  }
  return chosen;
}
