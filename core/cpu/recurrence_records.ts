import type { StructuredCall } from "../graph/call.ts";
import {
  cellActivations,
  cellLayouts,
  type RecurrenceAttributes,
  type RecurrenceExtra,
  recurrenceExtras,
  type RecurrenceGradientAttributes,
} from "../graph/recurrence.ts";
import type { Binding, RecordWriter } from "./records.ts";

/** Ops over the steps of a recurrent cell. */
export type RecurrenceName = "recurrenceSteps" | "recurrenceGradient";

/** Numbers of the cells in a record. */
const cells = { simpleRnn: 0, lstm: 1, gru: 2, gruResetBefore: 3 } as const;

/** Records of recurrent cells; `kernels/load.ts` says what the words mean. */
export const recurrenceRecords = {
  recurrenceSteps: (call, binding) => {
    const [sums, kernel, bias] = call.operands;
    const { mask, recurrentMask, initialState } = extrasOf(call, binding);
    const [steps, batch] = sums.shape;
    return [
      9,
      ...[sums, kernel, bias].map(({ buffer, offset }) => binding.address(buffer, offset)),
      mask,
      binding.address(call.output.buffer, call.output.offset),
      blockOf(call, binding, steps, batch, kernel.shape[0]),
      ...[recurrentMask, initialState],
    ];
  },
  recurrenceGradient: (call, binding) => {
    const [kept, kernel, grad] = call.operands;
    const { mask, recurrentMask } = extrasOf(call, binding);
    const [rows, batch] = kept.shape;
    const { cellState, initialState } = call
      .attributes as unknown as RecurrenceGradientAttributes;
    return [
      10,
      ...[kept, kernel, grad].map(({ buffer, offset }) => binding.address(buffer, offset)),
      mask,
      binding.address(call.output.buffer, call.output.offset),
      blockOf(call, binding, rows - 1, batch, kernel.shape[0]),
      ...[grad.shape[0] - Number(cellState), recurrentMask],
      ...[cellState, initialState].map(Number),
    ];
  },
} as const satisfies Record<RecurrenceName, RecordWriter>;

/** Addresses of the operands that need not be there; 0 where they are not. */
function extrasOf(call: StructuredCall, binding: Binding): Record<RecurrenceExtra, number> {
  const given = recurrenceExtras(
    call.operands.map(({ buffer, offset }) => binding.address(buffer, offset)),
    call.attributes as unknown as RecurrenceAttributes,
  );
  return { mask: 0, recurrentMask: 0, initialState: 0, ...given };
}

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
