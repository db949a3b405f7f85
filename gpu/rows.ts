import type { BufferSpec, StridedOperand } from "../core/graph/call.ts";
import { joinLabels } from "../core/graph/label.ts";
import { sizeOf } from "../core/graph/shape.ts";
import { type GpuCall, type RowWork, storageCount, touchedBy } from "./call.ts";
import { matmulSizes } from "./matrix.ts";
import { rowAccess } from "./row_access.ts";
import { replacePair } from "./tails.ts";
import type { Tuning } from "./tuning.ts";

/** Rows below which too few threads would have work. */
const fewestRows = 8;

/** Elements of all rows that a thread keeps for itself at most. */
const mostOwn = 512;

/**
 * Puts calls that work row by row into one kernel: the small layers of a network, its loss and their
 * gradients then cost one dispatch, as no thread needs what another one has computed.
 *
 * @param calls Calls in order.
 * @param buffers The plan's buffers.
 * @param outputs Where the program's outputs are, which must be stored.
 * @param tuning The adapter.
 * @returns The calls that are left, in an order that computes the same.
 */
export function fuseRows(
  calls: readonly GpuCall[],
  buffers: readonly BufferSpec[],
  outputs: readonly StridedOperand[],
  tuning: Tuning,
): GpuCall[] {
  const list = [...calls];
  for (let head = 0; head < list.length; head++) {
    const rows = rowsOf(list[head]);
    if (rows < fewestRows || !startRows(list[head], rows, buffers, tuning)) continue;
    for (let next = head + 1; next < list.length; next++) {
      const joined = join(list[head], list[next], rows, buffers, tuning);
      if (!joined || !replacePair(list, head, next, joined)) continue;
      // The pair now stands in the place of either: go on from there.
      if (list[head] !== joined) head = next - 1;
      next = head;
    }
  }
  return hideOwn(list, outputs);
}

/** Rows of a call that may begin a chain. */
function rowsOf({ work, result }: GpuCall): number {
  if (work.kind === "structured" && work.call.name === "matmul") return matmulSizes(work.call).rows;
  return work.kind === "loop" && work.kernel.reducer && result ? sizeOf(result.shape) : 0;
}

function startRows(
  call: GpuCall,
  rows: number,
  buffers: readonly BufferSpec[],
  { rowWork }: Tuning,
): boolean {
  const access = rowAccess(call, rows, buffers);
  return access !== null && access.work <= rowWork && sum(access.writes) <= mostOwn;
}

/** Both calls as one, when the second works on the rows that the first has made. */
function join(
  head: GpuCall,
  next: GpuCall,
  rows: number,
  buffers: readonly BufferSpec[],
  tuning: Tuning,
): GpuCall | null {
  const access = rowAccess(next, rows, buffers);
  if (!access) return null;
  const calls = head.work.kind === "rows" ? head.work.calls : [head];
  const before = calls.map((call) => rowAccess(call, rows, buffers)!);
  const own = new Map(before.flatMap(({ writes }) => [...writes]));
  const related = touchedBy(next).reads.some(({ buffer }) => own.has(buffer));
  if (!related || !access.readsOwn(own)) return null;
  for (const [buffer, width] of access.writes) own.set(buffer, width);
  const work = before.reduce((total, { work }) => total + work, access.work);
  if (work > tuning.rowWork || sum(own) > mostOwn) return null;
  const joined: GpuCall = {
    work: { kind: "rows", rows, calls: [...calls, next], own, hidden: new Set() },
    result: null,
    stored: true,
    tails: [],
    label: {
      ...joinLabels(head.label, next.label),
      text: `${head.label.text}; ${next.label.text}`,
    },
  };
  return storageCount([touchedBy(joined)], buffers) <= tuning.storageBuffers ? joined : null;
}

/** Leaves out the stores of rows that nobody else reads. */
function hideOwn(calls: readonly GpuCall[], outputs: readonly StridedOperand[]): GpuCall[] {
  const read = new Set(outputs.map(({ buffer }) => buffer));
  for (const call of calls) for (const { buffer } of touchedBy(call).reads) read.add(buffer);
  return calls.map((call) => {
    if (call.work.kind !== "rows") return call;
    const hidden = [...call.work.own.keys()].filter((buffer) => !read.has(buffer));
    const work: RowWork = { ...call.work, hidden: new Set(hidden) };
    return { ...call, work };
  });
}

function sum(widths: ReadonlyMap<number, number>): number {
  return [...widths.values()].reduce((total, width) => total + width, 0);
}
