import { resolveView } from "./access.ts";
import { identityAccess, LoopBuilder, type Memory, storeStrides } from "./loop_builder.ts";
import { loopCall, structuredCall } from "./partition.ts";
import type { Call, StridedOperand } from "./call.ts";
import { contiguousStrides, type Shape, sizeOf } from "./shape.ts";
import type { Tensor } from "./tensor.ts";

/** The calls that compute the nodes of one group, all of `shape`; none where they are empty. */
export function groupCalls(nodes: readonly Tensor[], shape: Shape, memory: Memory): Call[] {
  if (sizeOf(shape) === 0) return [];
  const [node] = nodes;
  const { operation } = node;
  switch (operation.kind) {
    case "structured": {
      const operands = node.inputs.map((input) => operandOf(input, memory));
      return [structuredCall(node, operation, operands, operandOf(node, memory), memory.buffers)];
    }
    case "concat":
      return concatCalls(node, memory);
    case "reduction":
      return [reductionCall(node, memory)];
    default:
      return [mapCall(nodes, shape, memory)];
  }
}

/** Copies a value to a state that could not be written in place. */
export function copyCall(source: Tensor, state: Tensor, memory: Memory): Call {
  const builder = new LoopBuilder(state.shape, memory);
  const value = builder.value(source, identityAccess(source.rank));
  builder.store(value, memory.place(state), contiguousStrides(state.shape));
  return loopCall(builder.finish(), [source], memory.buffers);
}

/** A node as an operand: its buffer, read through the views on it. */
export function operandOf(node: Tensor, memory: Memory): StridedOperand {
  const view = resolveView(node, (other) => memory.isStored(other))!;
  const place = memory.place(view.base);
  return {
    buffer: place.buffer,
    offset: place.offset + view.offset,
    shape: node.shape,
    strides: view.strides,
    dtype: node.dtype,
  };
}

function mapCall(nodes: readonly Tensor[], shape: Shape, memory: Memory): Call {
  const builder = new LoopBuilder(shape, memory);
  const strides = contiguousStrides(shape);
  for (const node of nodes) builder.store(builder.compute(node), memory.place(node), strides);
  return loopCall(builder.finish(), nodes, memory.buffers);
}

function reductionCall(node: Tensor, memory: Memory): Call {
  if (node.operation.kind !== "reduction") throw new Error("Cannot reduce another op");
  const [input] = node.inputs;
  const axes = node.attributes.axes as number[];
  const kept = input.shape.map((_, axis) => axis).filter((axis) => !axes.includes(axis));
  const order = [...kept, ...axes];
  const shape = order.map((axis) => input.shape[axis]);
  const builder = new LoopBuilder(shape, memory);
  const dimensions = input.shape.map((_, axis) => order.indexOf(axis));
  const value = builder.value(input, { dimensions, offsets: input.shape.map(() => 0) });
  builder.store(value, memory.place(node), storeStrides(node.shape, shape.length));
  return loopCall(builder.finish(axes.length, node.operation.reducer), [node], memory.buffers);
}

function concatCalls(node: Tensor, memory: Memory): Call[] {
  const axis = node.attributes.axis as number;
  const strides = contiguousStrides(node.shape);
  const place = memory.place(node);
  let start = 0;
  return node.inputs.filter((input) => input.size > 0).map((input) => {
    const builder = new LoopBuilder(input.shape, memory);
    const value = builder.value(input, identityAccess(input.rank));
    const part = { buffer: place.buffer, offset: place.offset + start * strides[axis] };
    builder.store(value, part, strides);
    start += input.shape[axis];
    return loopCall(builder.finish(), [node], memory.buffers);
  });
}
