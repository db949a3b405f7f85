import type { BufferSpec, StridedOperand } from "../core/graph/call.ts";
import { bytesPerElement } from "../core/graph/dtype.ts";
import { sizeOf } from "../core/graph/shape.ts";
import { type GpuCall, tailLoads, workReads } from "./call.ts";

/** Rows of bytes that stand for floats: `byte · scale + offset`, each row with an offset of its own. */
export interface Packing {
  /** Rows; behind them lies an f32 for each, its offset, which is NaN for a row that is missing. */
  readonly rows: number;
  /** Bytes of a row, whole words. */
  readonly length: number;
  /** Factor of the bytes. */
  readonly scale: number;
}

/** A plan's buffer as the GPU keeps it. */
export interface GpuBuffer extends BufferSpec {
  /** Set where bytes stand for the plan's floats. */
  readonly packed?: Packing;
  /** True where 16-bit floats stand for the plan's. */
  readonly half?: boolean;
  /** The buffer of which it is a copy, made before each step. */
  readonly mirrored?: number;
  /** The arena that it lies in where there are several, see {@link alternateArenas}. */
  readonly arena?: number;
}

/** Bytes of one element of a buffer. */
export function elementBytes({ dtype, half }: Pick<GpuBuffer, "dtype" | "half">): number {
  return half ? 2 : bytesPerElement(dtype);
}

/**
 * Leaves batches that are gathered from bytes as bytes where only matrix products read them: a
 * quarter of the memory to write and read, and one load for four elements.
 *
 * @param calls Calls in order.
 * @param buffers The plan's buffers; those of packed batches are replaced.
 * @param outputs Where the program's outputs are, which stay floats.
 */
export function packBytes(
  calls: readonly GpuCall[],
  buffers: GpuBuffer[],
  outputs: readonly StridedOperand[],
): void {
  for (const { work, tails, result } of calls) {
    if (work.kind !== "structured" || work.call.name !== "gather" || tails.length > 0) continue;
    const { operands: [data], output, attributes } = work.call;
    const length = sizeOf(data.shape.slice(1));
    const rows = output.shape[0];
    const shared = outputs.some(({ buffer }) => buffer === result!.buffer) ||
      calls.some((call) => readsOtherwise(call, result!.buffer));
    if (data.dtype !== "u8" || output.dtype !== "f32" || shared || output.offset !== 0) continue;
    const scale = (attributes.scale as number | undefined) ?? 1;
    // WGSL has no literals of other floats.
    const plain = Math.abs(scale) > 1e-30 && Math.abs(scale) < 1e30;
    if (length === 0 || length % 4 !== 0 || rows === 0 || !plain) continue;
    buffers[output.buffer] = {
      ...buffers[output.buffer],
      dtype: "u8",
      elements: rows * (length + 4),
      packed: { rows, length, scale },
    };
  }
}

/** True when a call reads `buffer` other than as an operand of a matrix product. */
function readsOtherwise(call: GpuCall, buffer: number): boolean {
  const { work } = call;
  const isProduct = work.kind === "structured" && work.call.name === "matmul";
  return [...(isProduct ? [] : workReads(call)), ...tailLoads(call).map(({ load }) => load)]
    .some((read) => read.buffer === buffer);
}
