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
  /** States to begin with. */
  readonly begun?: boolean;
  /** What states are multiplied by before the recurrent kernel. */
  readonly scaled?: boolean;
  /** The last cell state is given, too. */
  readonly cells?: boolean;
}

/** One step, odd numbers of units and rows, every activation, masks, given states, last states. */
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
  ["simpleRnn", 1, 2, 3, { begun: true }],
  ["simpleRnn", 4, 3, 7, { begun: true, masked: true, scaled: true }],
  ["lstm", 1, 2, 3, { begun: true, cells: true }],
  ["lstm", 1, 1, 5, { begun: true, cells: true, last: true, masked: true }],
  ["lstm", 4, 5, 6, { begun: true, cells: true, masked: true, scaled: true }],
  ["lstm", 5, 2, 9, { cells: true, last: true }],
  ["lstm", 3, 3, 5, { scaled: true }],
  ["gru", 1, 3, 2, { begun: true }],
  ["gru", 4, 5, 6, { begun: true, last: true, masked: true, scaled: true }],
  ["gru", 3, 2, 9, { scaled: true }],
  ["gru", 1, 1, 1],
  ["gru", 4, 3, 6],
  ["gru", 5, 2, 9, { last: true }],
  ["gru", 6, 5, 3, { masked: true }],
  ["gru", 3, 9, 8, { activation: "sigmoid", recurrentActivation: "tanh" }],
  ["gruResetBefore", 1, 1, 1],
  ["gruResetBefore", 4, 3, 6],
  ["gruResetBefore", 5, 2, 9, { last: true, masked: true }],
  ["gruResetBefore", 3, 5, 7, { begun: true, masked: true, scaled: true }],
  ["gruResetBefore", 3, 9, 8, { activation: "sigmoid", recurrentActivation: "tanh", begun: true }],
];

/** Recurrent cells over time. */
export function recurrenceCases(random: () => number): OpCase[] {
  return rows.map(([cell, steps, batch, units, options = {}]) => {
    const { activation = "tanh", recurrentActivation = "sigmoid", last, masked } = options;
    const { begun, scaled, cells = false } = options;
    const { states, inputs, recurrent, gradients } = cellLayouts[cell];
    const extras = [begun && "begun", scaled && "scaled", cells && "cells"].filter(Boolean);
    const spread = [-1, 1] as const;
    return opCase(
      ["recurrence of", cell, activation, last ? "last" : "all", ...extras].join(" "),
      [
        floats(random, [steps, batch, inputs * units]),
        floats(random, [units, recurrent * units], spread),
        floats(random, [gradients * units], spread),
        ...(begun ? [floats(random, [batch, states * units], spread)] : []),
        ...(scaled ? [floats(random, [batch, recurrent * units], [0, 2])] : []),
        ...(masked ? [integers(random, [steps, batch], "u32", [0, 2])] : []),
      ],
      (sums, kernel, bias, ...rest) =>
        ops.recurrence(sums, kernel, bias, {
          cell,
          activation,
          recurrentActivation,
          sequences: !last,
          cellState: cells,
          initialState: begun ? rest.shift() : undefined,
          recurrentMask: scaled ? rest.shift() : undefined,
          mask: masked ? ops.cast(rest[0], "f32") : undefined,
        }),
      // Errors go from step to step.
      { tolerance: 16, magnitude: 4 },
    );
  });
}
