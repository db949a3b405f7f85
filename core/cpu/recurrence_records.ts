import type { StructuredCall } from "../graph/call.ts";
import { cellActivations, cellLayouts, type RecurrenceAttributes } from "../graph/recurrence.ts";
import type { Binding, RecordWriter } from "./records.ts";

/** Ops over the steps of a recurrent cell. */
export type RecurrenceName = "recurrenceSteps" | "recurrenceGradient";

/** Numbers of the cells in a record. */
const cells = { simpleRnn: 0, lstm: 1, gru: 2 } as const;

/** Records of recurrent cells; `kernels/load.ts` says what the words mean. */
export const recurrenceRecords = {
  recurrenceSteps: (call, binding) => {
    const [sums, kernel, bias, mask] = call.operands;
    const [steps, batch] = sums.shape;
    return [
      9,
      ...[sums, kernel, bias].map(({ buffer, offset }) => binding.address(buffer, offset)),
      ...[mask ? binding.address(mask.buffer, mask.offset) : 0],
      ...[binding.address(call.output.buffer, call.output.offset)],
      blockOf(call, binding, steps, batch, kernel.shape[0]),
    ];
  },
  recurrenceGradient: (call, binding) => {
    const [kept, kernel, grad, mask] = call.operands;
    const [steps, batch] = call.output.shape;
    return [
      10,
      ...[kept, kernel, grad].map(({ buffer, offset }) => binding.address(buffer, offset)),
      ...[mask ? binding.address(mask.buffer, mask.offset) : 0],
      ...[binding.address(call.output.buffer, call.output.offset)],
      blockOf(call, binding, steps, batch, kernel.shape[0]),
      grad.shape[0],
    ];
  },
} as const satisfies Record<RecurrenceName, RecordWriter>;

function blockOf(
  call: StructuredCall,
  binding: Binding,
  steps: number,
  batch: number,
  units: number,
): number {
  const { cell, activation, recurrentActivation } = call
    .attributes as unknown as RecurrenceAttributes;
  const layout = cellLayouts[cell];
  return binding.argumentBlock([
    ...[cells[cell], steps, batch, units],
    ...[activation, recurrentActivation].map((name) => cellActivations.indexOf(name)),
    ...[layout.kept, layout.productsAt, layout.inputs],
    ...[layout.recurrent, layout.gradients, layout.recurrentAt],
  ]);
}
