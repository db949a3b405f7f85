import type { StructuredCall } from "../graph/call.ts";
import type { Binding, RecordWriter } from "./records.ts";

/** Ops that sort. */
export type SortName = "sortRuns" | "mergeRuns";

/** Records of ops that sort; `kernels/load.ts` says what the words mean. */
export const sortRecords = {
  sortRuns: (call, binding) => record(18, call, binding),
  mergeRuns: (call, binding) => record(19, call, binding),
} as const satisfies Record<SortName, RecordWriter>;

function record(kind: number, call: StructuredCall, binding: Binding): number[] {
  const [x, order] = call.operands;
  const { run, descending } = call.attributes as { run: number; descending: boolean };
  const place = ({ buffer, offset }: { buffer: number; offset: number }) =>
    binding.address(buffer, offset);
  return [
    kind,
    ...[place(x), order ? place(order) : 0, place(call.output)],
    ...[...x.shape, run, Number(descending)],
  ];
}
