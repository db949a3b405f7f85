import type { BufferSpec } from "../core/graph/call.ts";
import { conflicts, type GpuCall, storageCount, type Touched, touchedBy } from "./call.ts";
import { productSizes } from "./matrix.ts";
import { structuredKernel } from "./kernels/table.ts";
import type { Tuning } from "./tuning.ts";

/** Calls that one dispatch runs beside each other. */
export interface CallGroup {
  /** The calls; none depends on another. */
  readonly calls: readonly GpuCall[];
  /** What each of them touches. */
  readonly touched: readonly Touched[];
  /** Threads of a workgroup. */
  readonly lanes: number;
}

/**
 * Puts calls that do not depend on each other into one dispatch, each into the earliest that may
 * hold it: a dispatch costs more than the work of a small call.
 *
 * @param calls Calls in order.
 * @param buffers The plan's buffers.
 * @param tuning The adapter.
 * @returns Groups, to be run one after the other.
 */
export function mergeCalls(
  calls: readonly GpuCall[],
  buffers: readonly BufferSpec[],
  tuning: Tuning,
): CallGroup[] {
  const groups: { calls: GpuCall[]; touched: Touched[]; lanes: number; alone: boolean }[] = [];
  for (const call of calls) {
    const touched = touchedBy(call);
    const own = call.work.kind === "structured"
      ? structuredKernel(call.work.call.name).ownLanes(call.work.call, call.work.slices, tuning)
      : null;
    const lanes = own ?? tuning.lanes;
    let earliest = groups.length;
    while (earliest > 0) {
      if (groups[earliest - 1].touched.some((other) => conflicts(other, touched))) break;
      earliest--;
    }
    const home = own === null
      ? groups.slice(earliest).find((group) =>
        !group.alone &&
        !(tuning.software && isCrowded([...group.calls, call])) &&
        storageCount([...group.touched, touched], buffers) <= tuning.storageBuffers
      )
      : undefined;
    if (home) {
      home.calls.push(call);
      home.touched.push(touched);
    } else groups.push({ calls: [call], touched: [touched], lanes, alone: own !== null });
  }
  return groups;
}

/**
 * True for a product of matrices beside other work than recording, which takes a few instructions.
 * Where lanes of one vector take both sides of a branch, as on the
 * software adapter, each workgroup of a dispatch goes through the code of all of its calls: beside
 * others, the products of the small digit network made a step take 1.4 times as long.
 */
function isCrowded(calls: readonly GpuCall[]): boolean {
  const working = calls.filter(({ work }) => work.kind !== "record");
  return working.length > 1 &&
    working.some(({ work }) => work.kind === "structured" && productSizes(work.call) !== null);
}
