import type { LoopKernel } from "../core/graph/loop.ts";
import {
  type GpuCall,
  heldPlaces,
  isContiguous,
  placeKey,
  storageCount,
  touchedBy,
} from "./call.ts";
import { elementBytes, type GpuBuffer } from "./packed.ts";
import type { Tuning } from "./tuning.ts";
import { mostWindows } from "./uniforms.ts";

/**
 * Elements from which a copy is worth making: the software adapter takes some 25 µs for it, and
 * reads eight elements of a uniform binding in 10 ns where it takes 60 for those of a buffer that
 * the kernel writes to.
 */
const fewestElements = 4096;

/**
 * Where uniform bindings are read faster, lets the update of a state read the old values from a copy
 * that is made before the step, as it cannot bind what it writes as a uniform.
 *
 * @param calls Calls in order.
 * @param buffers The plan's buffers; those of copies are put behind them.
 * @param tuning The adapter.
 * @returns The calls, updates of such states with other operands.
 */
export function mirrorStates(
  calls: readonly GpuCall[],
  buffers: GpuBuffer[],
  { uniformBytes, storageBuffers }: Tuning,
): readonly GpuCall[] {
  if (uniformBytes === 0) return calls;
  const writers = countWriters(calls);
  const isMirrored = (number: number) => {
    const buffer = buffers[number];
    return buffer.leaf !== null && buffer.leaf !== "scalars" &&
      // Before its only update a state is what it was when the step began.
      writers.get(number) === 1 && buffer.elements >= fewestElements &&
      buffer.elements * elementBytes(buffer) <= mostWindows * uniformBytes;
  };
  return calls.map((call) => {
    const written = new Set(touchedBy(call).writes.map(({ buffer }) => buffer));
    const known = buffers.length;
    const copies = new Map<number, number>();
    const copyOf = (number: number) => {
      if (!copies.has(number) && written.has(number) && isMirrored(number)) {
        const { dtype, elements } = buffers[number];
        copies.set(number, buffers.length);
        buffers.push({ leaf: null, dtype, elements, offset: 0, mirrored: number });
      }
      return copies.get(number);
    };
    const redirected = redirectLoads(call, copyOf);
    if (copies.size === 0) return call;
    // Uniform bindings may run out, and what is left is bound as storage.
    if (storageCount([touchedBy(redirected)], buffers) <= storageBuffers) return redirected;
    buffers.length = known;
    return call;
  });
}

/** A call that reads from copies what it would read from the memory of states. */
function redirectLoads(call: GpuCall, copyOf: (buffer: number) => number | undefined): GpuCall {
  const redirect = (kernel: LoopKernel, held: ReadonlySet<string>): LoopKernel => ({
    ...kernel,
    loads: kernel.loads.map((load) => {
      if (!isContiguous(load, kernel) || held.has(placeKey(load))) return load;
      return { ...load, buffer: copyOf(load.buffer) ?? load.buffer };
    }),
  });
  // What an earlier tail has stored is in a register, and is not the old value.
  const tails = call.tails.map((tail, number) =>
    redirect(tail, heldPlaces({ ...call, tails: call.tails.slice(0, number) }))
  );
  const work = call.work.kind === "loop" && !call.work.kernel.reducer
    ? { ...call.work, kernel: redirect(call.work.kernel, new Set()) }
    : call.work;
  return { ...call, work, tails };
}

/** How many calls write to each buffer. */
function countWriters(calls: readonly GpuCall[]): Map<number, number> {
  const writers = new Map<number, number>();
  for (const call of calls) {
    for (const buffer of new Set(touchedBy(call).writes.map(({ buffer }) => buffer))) {
      writers.set(buffer, (writers.get(buffer) ?? 0) + 1);
    }
  }
  return writers;
}
