import type { LoopKernel, LoopOperand } from "../core/graph/loop.ts";
import type { StridedOperand, StructuredCall } from "../core/graph/call.ts";
import type { Label } from "../core/graph/label.ts";
import { contiguousStrides, type Shape, sizeOf } from "../core/graph/shape.ts";
import type { GpuBuffer } from "./packed.ts";

/** Number that stands for the arena among the memories that a kernel binds. */
export const arenaMemory = -1;
/** Number of the memory that holds the recorded outputs of past steps. */
export const recordMemory = -2;
/** Number of the arena of 16-bit floats. */
export const halfMemory = -3;
/** Numbers of the arenas among which {@link alternateArenas} deals out buffers. */
export const alternateMemories = [arenaMemory, -4, -5] as const;

/** A run of elements that a call touches. */
export interface Span {
  /** Buffer of the plan, or {@link recordMemory}. */
  readonly buffer: number;
  /** First element. */
  readonly start: number;
  /** First element behind it. */
  readonly end: number;
}

/** What a call computes. */
export type Work =
  | { readonly kind: "loop"; readonly kernel: LoopKernel; readonly slices: number }
  | { readonly kind: "structured"; readonly call: StructuredCall; readonly slices: number }
  | { readonly kind: "record"; readonly outputs: readonly StridedOperand[] }
  | RowWork;

/** Calls that work row by row, done one after the other by a thread that keeps a row for itself. */
export interface RowWork {
  /** Tells the kinds apart. */
  readonly kind: "rows";
  /** Rows. */
  readonly rows: number;
  /** The calls. */
  readonly calls: readonly GpuCall[];
  /** Elements of a row in each buffer that a call writes and a later one reads. */
  readonly own: ReadonlyMap<number, number>;
  /** Buffers of {@link RowWork.own} that nobody else reads, and that need no memory. */
  readonly hidden: ReadonlySet<number>;
}

/** A kernel call with everything that is fused into it. */
export interface GpuCall {
  /** What it computes. */
  readonly work: Work;
  /** Its result, handed over element by element; `null` when the work stores what it computes. */
  readonly result: StridedOperand | null;
  /** False when the result is used by {@link GpuCall.tails} alone and needs no memory. */
  readonly stored: boolean;
  /** Elementwise loops that run on each element of the result as soon as it is known. */
  readonly tails: readonly LoopKernel[];
  /** What it computes, for profiles and messages. */
  readonly label: Label;
}

/** What a call reads and writes. */
export interface Touched {
  /** Elements read. */
  readonly reads: readonly Span[];
  /** Elements written. */
  readonly writes: readonly Span[];
}

/** The elements that an operand walked over `shape` can touch. */
export function spanOf(
  operand: Pick<StridedOperand, "buffer" | "offset" | "strides">,
  shape: Shape,
): Span {
  const { buffer, offset } = operand;
  if (shape.some((size) => size === 0)) return { buffer, start: 0, end: 0 };
  const reach = shape.reduce((sum, size, axis) => sum + (size - 1) * operand.strides[axis], 1);
  return { buffer, start: offset, end: offset + reach };
}

/** What the work of a call reads, its tails aside. */
export function workReads({ work }: GpuCall): Span[] {
  switch (work.kind) {
    case "loop":
      return work.kernel.loads.map((load) => spanOf(load, work.kernel.shape));
    case "structured":
      return work.call.operands.map((operand) => spanOf(operand, operand.shape));
    case "record":
      return work.outputs.map((output) => spanOf(output, output.shape));
    case "rows":
      return work.calls.flatMap((call) => touchedBy(call).reads)
        .filter(({ buffer }) => !work.own.has(buffer));
  }
}

/** Tells apart where operands begin. */
export function placeKey(operand: Pick<LoopOperand, "buffer" | "offset">): string {
  return `${operand.buffer}@${operand.offset}`;
}

/** True when an operand of an unfolded loop is walked in the order of its elements. */
export function isContiguous(operand: LoopOperand, kernel: LoopKernel): boolean {
  const expected = contiguousStrides(kernel.shape);
  return kernel.reduced === 0 &&
    operand.strides.every((stride, axis) => stride === expected[axis]);
}

/** Places whose element a thread holds in a register while it runs a call's tails. */
export function heldPlaces(call: GpuCall): Set<string> {
  const held = new Set<string>(call.result ? [placeKey(call.result)] : []);
  for (const kernel of call.tails) {
    for (const store of kernel.stores) if (isContiguous(store, kernel)) held.add(placeKey(store));
  }
  return held;
}

/** Loads that the tails of a call make from memory. */
export function tailLoads(call: GpuCall): { load: LoopOperand; kernel: LoopKernel }[] {
  return call.tails.flatMap((kernel, number) => {
    const held = heldPlaces({ ...call, tails: call.tails.slice(0, number) });
    return kernel.loads
      .filter((load) => !(isContiguous(load, kernel) && held.has(placeKey(load))))
      .map((load) => ({ load, kernel }));
  });
}

/** Everything that a call reads and writes. */
export function touchedBy(call: GpuCall): Touched {
  const { work, result, stored, tails } = call;
  const writes: Span[] = tails.flatMap((kernel) =>
    kernel.stores.map((store) => spanOf(store, kernel.shape))
  );
  if (result && stored) writes.push(spanOf(result, result.shape));
  if (work.kind === "loop" && !work.kernel.reducer) {
    writes.push(...work.kernel.stores.map((store) => spanOf(store, work.kernel.shape)));
  }
  if (work.kind === "rows") {
    const inner = work.calls.flatMap((part) => touchedBy(part).writes);
    writes.push(...inner.filter(({ buffer }) => !work.hidden.has(buffer)));
  }
  if (work.kind === "record") {
    writes.push({ buffer: recordMemory, start: 0, end: work.outputs.length });
  }
  const late = tailLoads(call).map(({ load, kernel }) => spanOf(load, kernel.shape));
  return { reads: [...workReads(call), ...late], writes };
}

/** True when two runs share an element. */
export function overlaps(a: Span, b: Span): boolean {
  return a.buffer === b.buffer && a.start < b.end && b.start < a.end;
}

/** True when the order of two calls matters. */
export function conflicts(a: Touched, b: Touched): boolean {
  const meet = (one: readonly Span[], other: readonly Span[]) =>
    one.some((span) => other.some((second) => overlaps(span, second)));
  return meet(a.writes, b.reads) || meet(a.writes, b.writes) || meet(a.reads, b.writes);
}

/**
 * Which memory a buffer lies in: one of the arenas, or one of its own. A packed batch has its own, as
 * it is written once and read by kernels that write to the arena.
 */
export function memoryOf(buffers: readonly GpuBuffer[], buffer: number): number {
  if (buffer < 0) return buffer;
  const { leaf, packed, mirrored, half, arena = arenaMemory } = buffers[buffer];
  if (leaf !== null || packed || mirrored !== undefined) return buffer;
  return half ? halfMemory : arena;
}

/** Storage buffers that calls bind together. */
export function storageCount(touched: readonly Touched[], buffers: readonly GpuBuffer[]): number {
  const memories = new Set<number>();
  for (const { reads, writes } of touched) {
    for (const { buffer } of [...reads, ...writes]) {
      // The scalar block is a uniform buffer, which has a limit of its own.
      if (buffer >= 0 && buffers[buffer].leaf === "scalars") continue;
      memories.add(memoryOf(buffers, buffer));
    }
  }
  return memories.size;
}

/** Elements of a call's result. */
export function resultSize(call: GpuCall): number {
  return call.result ? sizeOf(call.result.shape) : 0;
}
