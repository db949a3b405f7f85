import type { Call, StridedOperand } from "./call.ts";
import { bytesPerElement } from "./dtype.ts";
import type { Instruction, LoopKernel } from "./loop.ts";
import type { StructuredWork } from "./operation.ts";
import { type Shape, sizeOf } from "./shape.ts";
import type { Tensor } from "./tensor.ts";

/** What a call has to do, whatever the device. */
export interface Cost {
  /** Operations on elements; a multiply-add counts as two. */
  readonly flops: number;
  /** Bytes read and written, each operand once. */
  readonly bytes: number;
}

/** Costs of several calls together. */
export function addCosts(costs: readonly Cost[]): Cost {
  return {
    flops: costs.reduce((sum, { flops }) => sum + flops, 0),
    bytes: costs.reduce((sum, { bytes }) => sum + bytes, 0),
  };
}

/** The cost of one call of a plan. */
export function callCost(call: Call): Cost {
  if (call.kind === "structured") {
    const bytes = structuredReads(call.operands, call.work)
      .reduce((sum, read) => sum + read, operandBytes(call.output));
    return { flops: call.work.flops, bytes };
  }
  const { kernel } = call;
  const touched = [...kernel.loads, ...kernel.stores];
  return {
    flops: loopFlops(kernel),
    bytes: touched.reduce((sum, operand) => sum + walkedBytes(operand, kernel.shape), 0),
  };
}

/**
 * The cost of a node that is computed by itself from whole inputs, in elements of float64.
 *
 * @returns No cost for leaves, and no operations for views, which copy.
 */
export function nodeCost(node: Tensor): Cost {
  const { operation, inputs, attributes, shape, size } = node;
  if (operation.kind === "leaf") return { flops: 0, bytes: 0 };
  const work: StructuredWork = operation.kind === "structured"
    ? operation.work(inputs.map((input) => input.shape), shape, attributes)
    : { flops: operation.kind === "reduction" ? inputs[0].size - size : 0 };
  const computes = operation.kind === "elementwise" && operation.cost > 0;
  const flops = computes ? size : work.flops;
  const read = inputs.reduce((sum, input, place) => sum + (work.reads?.[place] ?? input.size), 0);
  return { flops, bytes: 8 * (read + size) };
}

/** Operations of a loop: each op of its body at each index, and the folding. */
export function loopFlops({ shape, body, reduced, reducer }: LoopKernel): number {
  const size = sizeOf(shape);
  const applied = size * body.filter(isComputed).length;
  const results = sizeOf(shape.slice(0, shape.length - reduced));
  return applied + (reducer ? Math.max(0, size - results) : 0);
}

/** True for a value that costs an operation, as a copy does not. */
function isComputed(value: Instruction): boolean {
  return value.kind === "apply" && value.operation.cost > 0;
}

/** Bytes of an operand that a loop over `shape` walks: axes of stride 0 read the same again. */
export function walkedBytes(
  { strides, dtype }: Pick<StridedOperand, "strides" | "dtype">,
  shape: Shape,
): number {
  const distinct = shape.map((size, axis) => size > 1 && strides[axis] === 0 ? 1 : size);
  return sizeOf(distinct) * bytesPerElement(dtype);
}

/** Bytes that a structured op reads of each operand. */
export function structuredReads(
  operands: readonly StridedOperand[],
  { reads = [] }: StructuredWork,
): number[] {
  return operands.map((operand, place) => {
    const elements = reads[place];
    return elements === undefined
      ? operandBytes(operand)
      : elements * bytesPerElement(operand.dtype);
  });
}

/** Bytes of a strided operand, each element once. */
export function operandBytes(operand: StridedOperand): number {
  return walkedBytes(operand, operand.shape);
}
