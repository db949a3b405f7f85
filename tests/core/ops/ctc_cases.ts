import * as ops from "../../../core/ops/mod.ts";
import { floats, type OpCase } from "./generator.ts";
import { opCase } from "./structured_cases.ts";

interface Row {
  readonly steps: number;
  readonly classes: number;
  readonly labels: readonly (readonly number[])[];
  readonly maskIndex?: number;
  /** Steps that count. */
  readonly mask?: readonly (readonly number[])[];
}

/** One step, no label, repeated labels, as many steps as needed, padding anywhere, many states. */
const rows: Row[] = [
  { steps: 1, classes: 2, labels: [[1]] },
  { steps: 4, classes: 3, labels: [[0, 0], [1, 0], [1, 2]] },
  { steps: 5, classes: 4, labels: [[1, 1, 1], [3, 2, 1]] },
  { steps: 6, classes: 5, labels: [[0, 2, 4], [1, 4, 4]], maskIndex: 4 },
  {
    steps: 5,
    classes: 3,
    labels: [[1, 2], [2, 0], [0, 0], [1, 0]],
    mask: [[1, 1, 1, 0, 0], [0, 1, 0, 1, 1], [1, 0, 0, 0, 0], [1, 1, 1, 1, 1]],
  },
  { steps: 23, classes: 4, labels: [Array.from({ length: 20 }, (_, place) => 1 + place % 3)] },
];

/** Connectionist temporal classification. */
export function ctcCases(random: () => number): OpCase[] {
  return rows.map(({ steps, classes, labels, maskIndex = 0, mask }) =>
    opCase(
      `ctcLoss of ${labels[0].length} labels${mask ? ", masked" : ""}`,
      [
        floats(random, [labels.length, steps, classes]),
        { shape: [labels.length, labels[0].length], dtype: "i32", data: labels.flat() },
        ...(mask
          ? [{ shape: [mask.length, steps], dtype: "u32" as const, data: mask.flat() }]
          : []),
      ],
      (logits, labels, mask) =>
        ops.ctcLoss(logits, labels, {
          maskIndex,
          ...(mask && { mask: ops.notEqual(mask, 0) }),
        }),
      // Logarithms of many steps are added up.
      { tolerance: 64, magnitude: 4 },
    )
  );
}
