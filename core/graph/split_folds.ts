import type { BufferSpec, Call } from "./call.ts";
import type { LoopKernel, LoopOperand } from "./loop.ts";
import { labelledLoop } from "./partition.ts";
import type { ScheduledCall } from "./schedule.ts";
import { contiguousStrides, sizeOf } from "./shape.ts";

/** Values from which a fold is cut: for fewer, threads would meet once more to no avail. */
const fewest = 1 << 16;
/** Results up to which a fold is cut: more of them are work for all threads as they are. */
const mostResults = 4;
/** The same where results are columns: sharing those, all threads would walk through all rows. */
const mostColumns = 128;
/** Parts of a fold: few enough to be folded in no time, and a multiple of most numbers of threads. */
const mostParts = 64;
const fewestParts = 8;

/**
 * Cuts each fold of many values to few results, as the mean over a batch of images for each channel,
 * in parts that threads fold side by side, going through memory in order: one call folds each part, a
 * second one the parts. Their number depends on the shape alone, and so do the bits.
 *
 * @param calls Calls, each with those that it must follow.
 * @param buffers The plan's buffers; those of parts are put behind them.
 */
export function splitFolds(
  calls: readonly ScheduledCall[],
  buffers: BufferSpec[],
): readonly ScheduledCall[] {
  const split = new Map(calls.map((scheduled) => [scheduled, splitCall(scheduled.call, buffers)]));
  if ([...split.values()].every((parts) => parts.length === 1)) return calls;
  const ordered = new Map([...split].map(([whole, parts]) => [whole, inOrder(parts)]));
  for (const [{ after }, [first]] of ordered) {
    for (const other of after) first.after.add(ordered.get(other)!.at(-1)!);
  }
  return [...ordered.values()].flat();
}

type Ordered = ScheduledCall & { readonly after: Set<ScheduledCall> };

/** Each call after the one before it. */
function inOrder(calls: readonly Call[]): Ordered[] {
  const ordered: Ordered[] = [];
  for (const call of calls) ordered.push({ call, after: new Set(ordered.slice(-1)) });
  return ordered;
}

function splitCall(call: Call, buffers: BufferSpec[]): readonly Call[] {
  if (call.kind !== "loop") return [call];
  const { kernel, label } = call;
  const rank = kernel.shape.length - kernel.reduced;
  const parts = partsOf(kernel, rank);
  if (parts === 1) return [call];
  const results = kernel.shape.slice(0, rank);
  const [store] = kernel.stores;
  const { dtype } = store;
  buffers.push({ leaf: null, dtype, elements: parts * sizeOf(results), offset: 0 });
  const between = { buffer: buffers.length - 1, offset: 0, dtype };
  const strides = contiguousStrides([parts, ...results]);
  const folded = (length: number) => new Array<number>(length).fill(0);
  const first = {
    ...cut(kernel, rank, parts),
    stores: [{ ...store, ...between, strides: [...strides, ...folded(kernel.reduced)] }],
  };
  const second: LoopKernel = {
    shape: [...results, parts],
    reduced: 1,
    reducer: kernel.reducer,
    loads: [{ ...between, strides: [...strides.slice(1), strides[0]] }],
    body: [{ kind: "load", load: 0, dtype }],
    stores: [{ ...store, strides: [...store.strides.slice(0, rank), ...folded(1)], value: 0 }],
  };
  return [first, second].map((each) => labelledLoop(each, label, buffers));
}

/** In how many parts the first folded dimension is cut; 1 where it is not. */
function partsOf({ shape, reduced, loads, stores: [{ dtype }] }: LoopKernel, rank: number): number {
  if (reduced === 0 || dtype === "bool" || sizeOf(shape) < fewest) return 1;
  const inColumns = loads.some(({ strides }) =>
    strides[rank - 1] === 1 && strides.slice(rank).some((stride) => stride !== 0)
  );
  if (sizeOf(shape.slice(0, rank)) > (inColumns ? mostColumns : mostResults)) return 1;
  for (let parts = mostParts; parts >= fewestParts; parts--) {
    if (shape[rank] % parts === 0) return parts;
  }
  return 1;
}

/** The fold with its first folded dimension cut; over the parts it goes first of all. */
function cut(kernel: LoopKernel, rank: number, parts: number): LoopKernel {
  const rows = kernel.shape[rank] / parts;
  const strides = (each: readonly number[]) => [each[rank] * rows, ...each];
  const shape = [parts, ...kernel.shape];
  shape[1 + rank] = rows;
  return {
    ...kernel,
    shape,
    loads: kernel.loads.map((load): LoopOperand => ({ ...load, strides: strides(load.strides) })),
    body: kernel.body.map((value) =>
      value.kind === "index" ? { ...value, strides: strides(value.strides) } : value
    ),
  };
}
