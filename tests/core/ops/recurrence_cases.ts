import {
  cellLayouts,
  type CellName,
  type RecurrenceAttributes,
} from "../../../core/graph/recurrence.ts";
import * as ops from "../../../core/ops/mod.ts";
import { floats, integers, type OpCase } from "./generator.ts";
import { opCase } from "./structured_cases.ts";

type Row = [cell: CellName, steps: number, batch: number, units: number, Options?];

interface Options extends Partial<RecurrenceAttributes> {
  readonly last?: boolean;
  readonly masked?: boolean;
}

/** One step, odd numbers of units and rows, every activation, masks. */
const rows: Row[] = [
  ["simpleRnn", 1, 1, 1],
  ["simpleRnn", 5, 3, 7],
  ["simpleRnn", 3, 2, 4, { activation: "relu" }],
  ["simpleRnn", 4, 9, 5, { masked: true, last: true }],
  ["lstm", 1, 1, 1],
  ["lstm", 4, 3, 6],
  ["lstm", 5, 2, 9, { last: true }],
  ["lstm", 6, 5, 3, { masked: true }],
  ["lstm", 3, 9, 5, { activation: "relu" }],
  ["lstm", 2, 3, 4, { activation: "linear", recurrentActivation: "tanh" }],
  ["lstm", 2, 1, 33],
  ["gru", 1, 1, 1],
  ["gru", 4, 3, 6],
  ["gru", 5, 2, 9, { last: true }],
  ["gru", 6, 5, 3, { masked: true }],
  ["gru", 3, 9, 8, { activation: "sigmoid", recurrentActivation: "tanh" }],
];

/** Recurrent cells over time. */
export function recurrenceCases(random: () => number): OpCase[] {
  return rows.map(([cell, steps, batch, units, options = {}]) => {
    const { activation = "tanh", recurrentActivation = "sigmoid", last, masked } = options;
    const { inputs, recurrent, gradients } = cellLayouts[cell];
    const spread = [-1, 1] as const;
    return opCase(
      `recurrence of ${cell} ${activation} ${last ? "last" : "all"}`,
      [
        floats(random, [steps, batch, inputs * units]),
        floats(random, [units, recurrent * units], spread),
        floats(random, [gradients * units], spread),
        ...(masked ? [integers(random, [steps, batch], "u32", [0, 2])] : []),
      ],
      (sums, kernel, bias, mask) =>
        ops.recurrence(sums, kernel, bias, {
          cell,
          activation,
          recurrentActivation,
          sequences: !last,
          ...(mask && { mask: ops.cast(mask, "f32") }),
        }),
      // Errors go from step to step.
      { tolerance: 16, magnitude: 4 },
    );
  });
}
