import type { BufferSpec } from "../core/graph/call.ts";
import { sizeOf } from "../core/graph/shape.ts";
import { conflicts, type GpuCall, storageCount, type Touched, touchedBy } from "./call.ts";
import { softwareGroups } from "./kernels/loop.ts";
import { structuredKernel } from "./kernels/table.ts";
import { productSizes } from "./matrix.ts";
import { softwareThreads } from "./tiles.ts";
import type { Tuning } from "./tuning.ts";

/**
 * Calls of a dispatch, at most: a shader of 32 sums is ready in 0.8 s on the software adapter, one of
 * 64 in 2 and one of 128 in 6.5, as compilers take more time a line the longer a shader is.
 */
const mostCalls = 64;

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
        !group.alone && group.calls.length < mostCalls &&
        !(tuning.software && isCrowded(group.calls, call, tuning)) &&
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
 * Nanoseconds of the software adapter, measured: a dispatch, and the way of a workgroup through a
 * product, or another call, that is not its own.
 */
const softwareCosts = { dispatch: 33000, product: 1500, other: 700 };

/** What a call adds to a dispatch on a software adapter. */
interface SoftwareShare {
  /** Workgroups. */
  readonly groups: number;
  /** Nanoseconds in which a workgroup of another call goes through its code. */
  readonly way: number;
}

/**
 * True where a call takes longer in a dispatch with others than in one of its own. Where lanes of
 * one vector take both sides of a branch, as on the software adapter, each workgroup of a dispatch
 * goes through the code of all of its calls, and once through each of their loops.
 */
function isCrowded(others: readonly GpuCall[], call: GpuCall, tuning: Tuning): boolean {
  // Where no product is, calls are short.
  if (![...others, call].some(isProduct)) return false;
  const { groups, way } = softwareShare(call, tuning);
  const lost = others.map((other) => softwareShare(other, tuning))
    .reduce((sum, other) => sum + groups * other.way + other.groups * way, 0);
  return lost > softwareCosts.dispatch;
}

function isProduct({ work }: GpuCall): boolean {
  return work.kind === "structured" && productSizes(work.call) !== null;
}

function softwareShare(call: GpuCall, tuning: Tuning): SoftwareShare {
  const { work, result } = call;
  // Recording takes a few instructions.
  if (work.kind === "record") return { groups: 1, way: 0 };
  const sizes = work.kind === "structured" ? productSizes(work.call) : null;
  if (sizes) {
    const groups = Math.ceil(softwareThreads(sizes, tuning) / tuning.lanes);
    return { groups, way: softwareCosts.product };
  }
  const groups = result ? Math.ceil(sizeOf(result.shape) / tuning.lanes) : softwareGroups;
  return { groups: Math.min(softwareGroups, groups), way: softwareCosts.other };
}
