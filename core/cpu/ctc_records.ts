import type { StructuredCall } from "../graph/call.ts";
import type { Binding, RecordWriter } from "./records.ts";

/** Ops of connectionist temporal classification. */
export type CtcName = "ctcPaths" | "ctcPosteriors";

/** Records of connectionist temporal classification; `kernels/load.ts` says what the words mean. */
export const ctcRecords = {
  ctcPaths: (call, binding) => record(16, call, binding, 2),
  ctcPosteriors: (call, binding) => record(17, call, binding, 3),
} as const satisfies Record<CtcName, RecordWriter>;

/** `required` operands, of which the last are the logarithms and the labels, and perhaps a mask. */
function record(
  kind: number,
  call: StructuredCall,
  binding: Binding,
  required: number,
): number[] {
  const [given, labels] = call.operands.slice(required - 2);
  const mask = call.operands[required];
  const { maskIndex } = call.attributes as { maskIndex: number };
  return [
    kind,
    ...call.operands.slice(0, required).map(({ buffer, offset }) =>
      binding.address(buffer, offset)
    ),
    mask ? binding.address(mask.buffer, mask.offset) : 0,
    binding.address(call.output.buffer, call.output.offset),
    binding.argumentBlock([...given.shape, labels.shape[1], maskIndex]),
  ];
}
