import type { Call, StridedOperand } from "../core/graph/call.ts";
import { formatLabel } from "../core/graph/label.ts";
import type { Plan } from "../core/graph/plan.ts";
import { contiguousStrides } from "../core/graph/shape.ts";
import type { GpuCall } from "./call.ts";

const recordLabel = { text: "record", operations: "record", owners: [] };

/**
 * A plan's calls in order.
 *
 * @param plan The plan.
 * @param recorded How many of its first outputs are kept of every step.
 * @returns The calls; the last one records, if anything is recorded.
 */
export function lowerCalls(plan: Plan, recorded: number): GpuCall[] {
  const calls = plan.phases.flat().map(lowerCall);
  if (recorded === 0) return calls;
  const outputs = plan.outputs.slice(0, recorded);
  const work = { kind: "record", outputs } as const;
  return [...calls, { work, result: null, stored: true, tails: [], label: recordLabel }];
}

function lowerCall(call: Call): GpuCall {
  const common = { stored: true, tails: [], label: call.label };
  if (call.kind === "structured") {
    const work = { kind: "structured", call, slices: 1 } as const;
    return { ...common, work, result: call.output };
  }
  const { kernel } = call;
  const work = { kind: "loop", kernel, slices: 1 } as const;
  if (!kernel.reducer) return { ...common, work, result: null };
  const [{ buffer, offset, dtype, strides: walked }] = kernel.stores;
  const shape = kernel.shape.slice(0, kernel.shape.length - kernel.reduced);
  const strides = contiguousStrides(shape);
  if (strides.some((stride, axis) => stride !== walked[axis])) {
    throw new Error(`Cannot reduce into a strided result in ${formatLabel(call.label)}`);
  }
  const result: StridedOperand = { buffer, offset, shape, strides, dtype };
  return { ...common, work, result };
}
