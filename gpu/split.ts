import type { LoopKernel } from "../core/graph/loop.ts";
import type { BufferSpec, StridedOperand } from "../core/graph/call.ts";
import { contiguousStrides, sizeOf } from "../core/graph/shape.ts";
import type { GpuCall } from "./call.ts";
import { productSizes } from "./matrix.ts";
import { chooseSlices } from "./tiles.ts";
import type { Tuning } from "./tuning.ts";

/** Values that a single workgroup folds; more are cut into parts. */
const longest = 16384;

/** Values that one part folds. */
const partLength = 4096;

/**
 * Cuts long sums with few results into parts that run beside each other, and adds the parts up in
 * a second call, always in the same order.
 *
 * @param calls Calls in order.
 * @param buffers The plan's buffers; those of parts are put behind them.
 * @param tuning The adapter.
 * @returns The calls, cut ones as two.
 */
export function splitLongSums(
  calls: readonly GpuCall[],
  buffers: BufferSpec[],
  tuning: Tuning,
): GpuCall[] {
  return calls.flatMap((call) => {
    const slices = slicesOf(call, tuning);
    if (slices === 1 || call.work.kind === "record") return [call];
    const target = call.result!;
    const size = sizeOf(target.shape);
    // A product's parts lie behind each other, a loop's beside each other.
    const behind = call.work.kind === "structured";
    const parts: StridedOperand = {
      buffer: buffers.length,
      offset: 0,
      shape: [size * slices],
      strides: [1],
      dtype: target.dtype,
    };
    buffers.push({ leaf: null, dtype: target.dtype, elements: size * slices, offset: 0 });
    const reducer = call.work.kind === "loop" ? call.work.kernel.reducer : "sum";
    const strides = behind ? [1, size] : [slices, 1];
    const kernel = foldParts(parts, target, [size, slices], strides, reducer);
    const whole = { ...target, shape: [size], strides: contiguousStrides([size]) };
    return [
      { ...call, work: { ...call.work, slices }, result: parts },
      { ...call, work: { kind: "loop", kernel, slices: 1 }, result: whole },
    ];
  });
}

function slicesOf({ work }: GpuCall, tuning: Tuning): number {
  if (work.kind === "structured") {
    const sizes = productSizes(work.call);
    return !sizes || sizeOf(work.call.output.shape) === 0 ? 1 : chooseSlices(sizes, tuning);
  }
  if (work.kind !== "loop" || !work.kernel.reducer || sizeOf(work.kernel.shape) === 0) return 1;
  const { shape, reduced } = work.kernel;
  const folded = sizeOf(shape.slice(shape.length - reduced));
  const results = sizeOf(shape) / folded;
  return folded <= longest || results >= 64 ? 1 : Math.min(256, Math.ceil(folded / partLength));
}

function foldParts(
  parts: StridedOperand,
  target: StridedOperand,
  shape: number[],
  strides: number[],
  reducer: LoopKernel["reducer"],
): LoopKernel {
  const { dtype } = target;
  return {
    shape,
    reduced: 1,
    reducer,
    loads: [{ buffer: parts.buffer, offset: 0, strides, dtype }],
    body: [{ kind: "load", load: 0, dtype }],
    stores: [{ buffer: target.buffer, offset: target.offset, strides: [1, 0], dtype, value: 0 }],
  };
}
