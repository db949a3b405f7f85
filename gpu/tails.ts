import type { LoopKernel } from "../core/graph/loop.ts";
import type { BufferSpec, StridedOperand } from "../core/graph/call.ts";
import { joinLabels } from "../core/graph/label.ts";
import { sizeOf } from "../core/graph/shape.ts";
import {
  conflicts,
  type GpuCall,
  heldPlaces,
  isContiguous,
  overlaps,
  placeKey,
  resultSize,
  spanOf,
  storageCount,
  tailLoads,
  touchedBy,
  workReads,
} from "./call.ts";
import type { Tuning } from "./tuning.ts";

/**
 * Moves elementwise loops into the calls whose results they read: bias, activation, mask and update
 * then cost no dispatch of their own, and a result that only they read is never stored.
 *
 * @param calls Calls in order.
 * @param buffers The plan's buffers.
 * @param outputs Where the program's outputs are, which must be stored.
 * @param tuning The adapter.
 * @returns The calls that are left, in an order that computes the same.
 */
export function fuseTails(
  calls: readonly GpuCall[],
  buffers: readonly BufferSpec[],
  outputs: readonly StridedOperand[],
  tuning: Tuning,
): GpuCall[] {
  const list = [...calls];
  for (let index = 0; index < list.length; index++) {
    const { work } = list[index];
    if (work.kind !== "loop" || work.kernel.reducer) continue;
    for (let head = index - 1; head >= 0; head--) {
      if (!fits(list[head], work.kernel)) continue;
      const fused: GpuCall = {
        ...list[head],
        tails: [...list[head].tails, work.kernel],
        label: joinLabels(list[head].label, list[index].label),
      };
      if (storageCount([touchedBy(fused)], buffers) > tuning.storageBuffers) continue;
      if (!replacePair(list, head, index, fused)) continue;
      index--;
      break;
    }
  }
  return dropUnread(list, outputs);
}

/**
 * Puts `fused` where neither of the two calls it is made of passes one that it depends on.
 *
 * @param list Calls in order; changed when it can be done.
 * @param head Place of the first of the two.
 * @param tail Place of the second.
 * @param fused What does the work of both.
 * @returns Whether it can be done.
 */
export function replacePair(
  list: GpuCall[],
  head: number,
  tail: number,
  fused: GpuCall,
): boolean {
  const between = list.slice(head + 1, tail).map(touchedBy);
  const first = touchedBy(list[head]);
  const second = touchedBy(list[tail]);
  if (between.every((call) => !conflicts(first, call))) {
    list.splice(tail, 1, fused);
    list.splice(head, 1);
    return true;
  }
  if (between.some((call) => conflicts(call, second))) return false;
  list[head] = fused;
  list.splice(tail, 1);
  return true;
}

/** True when a thread that holds an element of `head` can run `kernel` on it. */
function fits(head: GpuCall, kernel: LoopKernel): boolean {
  if (!head.result || resultSize(head) !== sizeOf(kernel.shape) || resultSize(head) === 0) {
    return false;
  }
  const held = heldPlaces(head);
  const fetched = kernel.loads.filter((load) =>
    !(isContiguous(load, kernel) && held.has(placeKey(load)))
  );
  if (fetched.length === kernel.loads.length) return false;
  // No thread may read from memory what another one writes in the same call.
  const written = touchedBy(head).writes;
  const spans = fetched.map((load) => spanOf(load, kernel.shape));
  if (spans.some((read) => written.some((write) => overlaps(read, write)))) return false;
  return kernel.stores.every((store) => {
    const write = spanOf(store, kernel.shape);
    if (workReads(head).some((read) => overlaps(read, write))) return false;
    const earlier = [...tailLoads(head), ...fetched.map((load) => ({ load, kernel }))];
    return earlier.every(({ load, kernel: reader }) =>
      !overlaps(spanOf(load, reader.shape), write) ||
      (placeKey(load) === placeKey(store) && isContiguous(load, reader) &&
        isContiguous(store, kernel))
    );
  });
}

/** Leaves out the stores of results that are read from registers alone. */
function dropUnread(calls: readonly GpuCall[], outputs: readonly StridedOperand[]): GpuCall[] {
  const read = new Set(outputs.map(({ buffer }) => buffer));
  for (const call of calls) for (const { buffer } of touchedBy(call).reads) read.add(buffer);
  return calls.map((call) =>
    call.tails.length > 0 && !read.has(call.result!.buffer) ? { ...call, stored: false } : call
  );
}
