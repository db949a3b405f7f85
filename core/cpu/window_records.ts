import type { StridedOperand, StructuredCall } from "../graph/call.ts";
import { type ConvolutionAttributes, suitsWinograd, type Window } from "../graph/window.ts";
import type { Binding, RecordWriter } from "./records.ts";

/** Kinds of records of ops whose window goes over an input. */
const kind = { convolution: 6, kernelGradient: 7, pool: 8 } as const;

/** What the pooling kernel does. */
const mode = { sumPool: 0, maxPool: 1, maxPoolSelect: 2, maxPoolGradient: 3 } as const;

/** Ops whose window goes over an input. */
export type WindowName = keyof typeof mode | "convolution" | "convolutionKernelGradient";

/** Records of ops whose window goes over an input; `kernels/load.ts` says what the words mean. */
export const windowRecords = {
  convolution: (call, binding) => {
    const [x, kernel] = call.operands;
    const words = [...blockOf(call, x, call.output), ...filtersOf(call, x, call.output)];
    return record(kind.convolution, binding, [x, kernel, call.output], words);
  },
  convolutionKernelGradient: (call, binding) => {
    const [x, grad] = call.operands;
    const words = [...blockOf(call, x, grad), ...filtersOf(call, x, grad)];
    return record(kind.kernelGradient, binding, [x, grad, call.output], words);
  },
  sumPool: poolRecord,
  maxPool: poolRecord,
  maxPoolSelect: poolRecord,
  maxPoolGradient: poolRecord,
} as const satisfies Record<WindowName, RecordWriter>;

function poolRecord(call: StructuredCall, binding: Binding): number[] {
  const [x, values = x] = call.operands;
  const name = call.name as keyof typeof mode;
  const outputs = name === "maxPoolGradient" ? values : call.output;
  return [
    ...record(kind.pool, binding, [x, values, call.output], blockOf(call, x, outputs)),
    mode[name],
  ];
}

function record(
  kind: number,
  binding: Binding,
  places: readonly StridedOperand[],
  block: readonly number[],
): number[] {
  const addresses = places.map(({ buffer, offset }) => binding.address(buffer, offset));
  return [kind, ...addresses, binding.argumentBlock(block)];
}

function blockOf(call: StructuredCall, x: StridedOperand, outputs: StridedOperand): number[] {
  const { size, strides, before, dilation, inputDilation } = call.attributes as unknown as Window;
  return [
    ...x.shape,
    ...outputs.shape.slice(1, 4),
    ...size,
    ...strides,
    ...before,
    ...dilation,
    ...inputDilation,
  ];
}

function filtersOf(
  call: StructuredCall,
  { shape: x }: StridedOperand,
  { shape: y }: StridedOperand,
): number[] {
  const attributes = call.attributes as unknown as ConvolutionAttributes;
  return [y[4], attributes.groups, suitsWinograd(attributes, x, y) ? 1 : 0];
}
