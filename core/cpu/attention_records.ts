import {
  type AttentionAttributes,
  attentionBlock,
  attentionOperands,
  attentionSizes,
  attentionUnits,
} from "../graph/attention.ts";
import type { StridedOperand, StructuredCall } from "../graph/call.ts";
import { contiguousStrides } from "../graph/shape.ts";
import type { Binding, RecordWriter } from "./records.ts";

/** Ops of attention. */
export type AttentionName = "attention" | "attentionGradient";

/** Records of attention; `kernels/load.ts` says what the words mean. */
export const attentionRecords = {
  attention: (call, binding) => [14, ...commonWords(call, binding, false)],
  attentionGradient: (call, binding) => {
    const { grad, sums, dots } = attentionOperands(call.operands, settings(call), true);
    return [
      15,
      ...commonWords(call, binding, true),
      ...[grad, sums, dots].map((operand) => addressOf(binding, operand)),
    ];
  },
} as const satisfies Record<AttentionName, RecordWriter>;

function commonWords(call: StructuredCall, binding: Binding, gradient: boolean): number[] {
  const { query, key, value, ...rest } = attentionOperands(
    call.operands,
    settings(call),
    gradient,
  );
  const shapes = [query, key, value].map(({ shape }) => shape);
  const { batch, queries, keys, heads, keyHeads, size, valueSize } = attentionSizes(shapes);
  const { offset, bias, rate, key0, key1, counter } = rest;
  const units = attentionUnits(shapes, settings(call), gradient);
  const block = attentionBlock(settings(call).causal);
  const words = binding.argumentBlock([
    ...[batch, queries, keys, heads, keyHeads, size, valueSize],
    ...[block.queries, block.keys, bitsOf(settings(call).scale)],
    ...[offset, bias, rate, key0, key1, counter].map((operand) => addressOf(binding, operand)),
    ...biasStrides(bias),
    ...[units.queries, units.whole],
  ]);
  return [...[query, key, value, call.output].map((place) => addressOf(binding, place)), words];
}

/** Elements between neighbours along batch, heads and queries; 0 where all share one. */
function biasStrides(bias: StridedOperand | undefined): number[] {
  if (!bias) return [0, 0, 0];
  const strides = contiguousStrides(bias.shape);
  return [0, 1, 2].map((axis) => bias.shape[axis] === 1 ? 0 : strides[axis]);
}

function addressOf(binding: Binding, operand: StridedOperand | undefined): number {
  return operand ? binding.address(operand.buffer, operand.offset) : 0;
}

function settings(call: StructuredCall): AttentionAttributes {
  return call.attributes as unknown as AttentionAttributes;
}

function bitsOf(value: number): number {
  return new Uint32Array(Float32Array.of(value).buffer)[0];
}
