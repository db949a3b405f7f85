import type { BufferSpec } from "../core/graph/call.ts";
import type { LoopKernel, LoopOperand } from "../core/graph/loop.ts";
import { sizeOf } from "../core/graph/shape.ts";
import type { GpuCall } from "./call.ts";
import { matmulSizes, matrixOf } from "./matrix.ts";

/** What a call does to each row of a batch when it works row by row. */
export interface RowAccess {
  /** Multiplications or elements of a row: what a thread does for it. */
  readonly work: number;
  /** Buffers written, and the elements of a row in each. */
  readonly writes: ReadonlyMap<number, number>;
  /** True when a thread finds all that it reads of the given buffers in its own row. */
  readsOwn(widths: ReadonlyMap<number, number>): boolean;
}

/** A walk over the elements of one row. */
interface Walk {
  readonly buffer: number;
  readonly first: number;
  readonly pitch: number;
  readonly inside: number;
}

/**
 * `kernel` with a first dimension of `rows`, over which it is not folded; `null` when there is none.
 */
export function splitRows(kernel: LoopKernel, rows: number): LoopKernel | null {
  const [size = 1] = kernel.shape;
  if (kernel.shape.length === kernel.reduced || size % rows !== 0) return null;
  const inner = size / rows;
  if (inner === 1) return kernel;
  const strides = ([first, ...rest]: readonly number[]) => [first * inner, first, ...rest];
  return {
    ...kernel,
    shape: [rows, inner, ...kernel.shape.slice(1)],
    loads: kernel.loads.map((load) => ({ ...load, strides: strides(load.strides) })),
    stores: kernel.stores.map((store) => ({ ...store, strides: strides(store.strides) })),
    body: kernel.body.map((value) =>
      value.kind === "index" ? { ...value, strides: strides(value.strides) } : value
    ),
  };
}

/** How `call` works on `rows` rows one by one; `null` when it does not. */
export function rowAccess(
  call: GpuCall,
  rows: number,
  buffers: readonly BufferSpec[],
): RowAccess | null {
  const kernels = [
    ...(call.work.kind === "loop" ? [call.work.kernel] : []),
    ...call.tails,
  ].map((kernel) => splitRows(kernel, rows));
  if (kernels.some((kernel) => kernel === null)) return null;
  const loops = kernels as LoopKernel[];
  const reads = loops.flatMap((kernel) => kernel.loads.map((load) => walkOf(load, kernel.shape)));
  const stores = loops.flatMap((kernel) =>
    kernel.reducer ? [] : kernel.stores.map((store) => walkOf(store, kernel.shape))
  );
  let work = loops.reduce((sum, { shape }) => sum + sizeOf(shape) / rows, 0);
  // Operands that every row reads whole must not be made in the same kernel.
  const shared: number[] = [];
  if (call.work.kind === "structured") {
    const { call: inner, slices } = call.work;
    if (inner.name !== "matmul" || slices !== 1) return null;
    const sizes = matmulSizes(inner);
    if (sizes.batches !== 1 || sizes.rows !== rows || sizes.inner === 0) return null;
    const [a, b] = inner.operands;
    const { rowStride, columnStride } = matrixOf(a);
    const inside = (sizes.inner - 1) * columnStride;
    reads.push({ buffer: a.buffer, first: a.offset, pitch: rowStride, inside });
    shared.push(b.buffer);
    work += sizes.inner * sizes.columns;
  } else if (call.work.kind !== "loop" || call.work.slices !== 1) return null;
  if (call.result && call.stored) {
    const { buffer, offset, shape } = call.result;
    const width = sizeOf(shape) / rows;
    stores.push({ buffer, first: offset, pitch: width, inside: width - 1 });
  }
  const writes = new Map<number, number>();
  for (const { buffer, first, pitch, inside } of stores) {
    const width = buffers[buffer].elements / rows;
    const whole = buffers[buffer].leaf === null && first === 0 && pitch === width;
    if (!whole || inside >= width || writes.has(buffer)) return null;
    writes.set(buffer, width);
  }
  return {
    work,
    writes,
    readsOwn: (widths) =>
      shared.every((buffer) => !widths.has(buffer)) &&
      reads.every(({ buffer, first, pitch, inside }) => {
        const width = widths.get(buffer);
        return width === undefined || (pitch === width && first + inside < width);
      }),
  };
}

function walkOf({ buffer, offset, strides }: LoopOperand, shape: readonly number[]): Walk {
  const inside = strides.reduce(
    (sum, stride, axis) => axis === 0 ? sum : sum + stride * (shape[axis] - 1),
    0,
  );
  return { buffer, first: offset, pitch: strides[0], inside };
}
