import type { StridedOperand, StructuredCall } from "../graph/call.ts";
import { fillModes, type SamplingAttributes } from "../graph/sampling.ts";
import type { Binding, RecordWriter } from "./records.ts";

/** Ops that sample pictures. */
export type SamplingName = "sampleImage" | "sampleImageGradient";

/** Records of ops that sample pictures; `kernels/load.ts` says what the words mean. */
export const samplingRecords = {
  sampleImage: (call, binding) => record(12, call, binding, call.operands[0]),
  sampleImageGradient: (call, binding) => record(13, call, binding, call.output),
} as const satisfies Record<SamplingName, RecordWriter>;

function record(
  kind: number,
  call: StructuredCall,
  binding: Binding,
  images: StridedOperand,
): number[] {
  const [, { shape: points }] = call.operands;
  const { fillMode, fillValue = 0 } = call.attributes as unknown as SamplingAttributes;
  return [
    kind,
    ...[...call.operands, call.output].map(({ buffer, offset }) => binding.address(buffer, offset)),
    binding.argumentBlock([
      ...images.shape,
      points[1] * points[2],
      fillModes.indexOf(fillMode),
      new Uint32Array(Float32Array.of(fillValue).buffer)[0],
    ]),
  ];
}
