import type { StridedOperand } from "../core/graph/call.ts";
import type { LoopKernel } from "../core/graph/loop.ts";
import type { GpuCall } from "./call.ts";
import type { GpuBuffer } from "./packed.ts";

/** The place of the logarithms of sums among the operands of attention's gradient. */
const logarithms = 4;

/** A piece of a call: the buffers that it reads and writes. */
interface Piece {
  /** A loop over elements, a sum (or largest, or smallest) of them, or an op's own kernel. */
  readonly kind: "loop" | "fold" | "structured";
  /** Whether it makes whole numbers of floats: ids of rows, which rounding would make others. */
  readonly counts?: boolean;
  readonly reads: readonly number[];
  readonly writes: readonly number[];
}

/**
 * Stores as 16-bit floats what only passes between products: activations, and their gradients.
 *
 * A buffer is one of them when its values lead to a product, a window or a recurrence, and reach
 * neither a weight nor an output nor a whole number by elementwise loops alone: the gradient of a
 * weight and a state stay f32, and so do what is read back, ids of rows, sums, parts of sums and rows
 * of a data set of floats.
 *
 * @param calls Calls in order.
 * @param buffers The plan's buffers; those that become halves are replaced.
 * @param outputs Where the program's outputs are, which stay f32.
 */
export function storeHalf(
  calls: readonly GpuCall[],
  buffers: GpuBuffer[],
  outputs: readonly StridedOperand[],
): void {
  const kept = new Set([...outputs.map(({ buffer }) => buffer), ...calls.flatMap(exactResults)]);
  const pieces = calls.flatMap(piecesOf);
  const exact = new Set([...outputs.map(({ buffer }) => buffer), ...calls.flatMap(coordinates)]);
  const leading = new Set<number>();
  // What is read was written before: one walk from the end sees every way.
  for (const { kind, counts, reads, writes } of pieces.toReversed()) {
    const isExact = writes.some((buffer) => exact.has(buffer) || buffers[buffer].leaf !== null);
    if (counts || (kind === "loop" && isExact)) { for (const read of reads) exact.add(read); }
    if (kind === "structured" || writes.some((buffer) => leading.has(buffer))) {
      for (const read of reads) leading.add(read);
    }
  }
  for (const number of leading) {
    const buffer = buffers[number];
    if (buffer.leaf !== null || buffer.packed || buffer.dtype !== "f32") continue;
    if (!kept.has(number) && !exact.has(number)) buffers[number] = { ...buffer, half: true };
  }
}

/** Buffers of a call that are not rounded: sums, parts of sums, and rows of stored floats. */
function exactResults(call: GpuCall): number[] {
  const { work, result } = call;
  switch (work.kind) {
    case "rows":
      return work.calls.flatMap(exactResults);
    case "loop":
      return work.kernel.reducer ? [result!.buffer] : [];
    case "structured": {
      const { name, operands } = work.call;
      // Weights are powers of scores less these logarithms, and so is how likely a path is.
      if (name === "attention" || name === "ctcPaths") return [result!.buffer];
      if (name === "attentionGradient") return [operands[logarithms].buffer];
      // Sums too; and the largest values are looked for again among those that they came from.
      if (name === "segmentSum" || name === "segmentMax") return [result!.buffer];
      if (solves(name)) return [result!.buffer];
      const copies = name === "gather" && operands[0].dtype === "f32";
      return copies || work.slices > 1 ? [result!.buffer] : [];
    }
    case "record":
      return [];
  }
}

/** Whether an op solves for matrices: errors of theirs can grow by any factor. */
function solves(name: string): boolean {
  return name === "eliminate" || name === "cholesky";
}

/**
 * Buffers that say where a call looks: as halves they would move pictures, and large ones by pixels; what
 * is sorted, which may be places too, of which halves tell apart 2,048; and matrices that are solved for.
 */
function coordinates({ work }: GpuCall): number[] {
  if (work.kind === "rows") return work.calls.flatMap(coordinates);
  if (work.kind !== "structured") return [];
  const { name, operands } = work.call;
  if (solves(name)) return operands.map(({ buffer }) => buffer);
  if (name === "sortRuns" || name === "mergeRuns") return [operands[0].buffer];
  if (!name.startsWith("sampleImage")) return [];
  const [, y, x] = operands;
  return [y.buffer, x.buffer];
}

function piecesOf(call: GpuCall): Piece[] {
  const { work, result, tails } = call;
  const numbers = (operands: readonly { readonly buffer: number }[]) =>
    operands.map(({ buffer }) => buffer);
  const own = (): Piece[] => {
    switch (work.kind) {
      case "rows":
        return work.calls.flatMap(piecesOf);
      case "loop": {
        const { loads, stores, reducer } = work.kernel;
        const kind = reducer ? "fold" : "loop";
        const counts = countsBy(work.kernel);
        return [{ kind, counts, reads: numbers(loads), writes: numbers(stores) }];
      }
      case "structured": {
        const reads = numbers(work.call.operands);
        return [{ kind: "structured", reads, writes: [result!.buffer] }];
      }
      case "record":
        return [];
    }
  };
  const late = tails.map((kernel): Piece => ({
    kind: "loop",
    counts: countsBy(kernel),
    reads: numbers(kernel.loads),
    writes: numbers(kernel.stores),
  }));
  return [...own(), ...late];
}

/** See {@link Piece.counts}. */
function countsBy({ body }: LoopKernel): boolean {
  return body.some((value) =>
    value.kind === "apply" && (value.dtype === "i32" || value.dtype === "u32") &&
    value.arguments.some((argument) => body[argument].dtype === "f32")
  );
}
