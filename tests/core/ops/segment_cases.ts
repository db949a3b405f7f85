import type { Tensor } from "../../../core/graph/tensor.ts";
import * as ops from "../../../core/ops/mod.ts";
import { type CaseInput, floats, integers, type OpCase } from "./generator.ts";
import { opCase } from "./structured_cases.ts";

type Fold = (
  values: Tensor,
  ids: Tensor,
  segments: number,
  options?: ops.SegmentOptions,
) => Tensor;

/** Ids as they are, and the numbers of rows along which they rise. */
export function shuffledIds(
  random: () => number,
  count: number,
  segments: number,
): { ids: CaseInput; order: CaseInput } {
  const ids = integers(random, [count], "u32", [0, segments]);
  const data = [...ids.data.keys()].sort((a, b) => ids.data[a] - ids.data[b] || a - b);
  return { ids, order: { shape: [count], dtype: "u32", data } };
}

/** Ids that rise. */
export function risingIds(random: () => number, count: number, segments: number): CaseInput {
  const { ids } = shuffledIds(random, count, segments);
  return { ...ids, data: ids.data.toSorted((a, b) => a - b) };
}

/** Folds over segments: with an order and without, empty segments, few and many, odd widths. */
export function segmentCases(random: () => number): OpCase[] {
  const folds: Record<string, Fold> = {
    segmentSum: ops.segmentSum,
    segmentMean: ops.segmentMean,
    segmentMax: ops.segmentMax,
    "segmentMax, another value for empty ones": (values, ids, segments, options) =>
      ops.segmentMax(values, ids, segments, { ...options, empty: -7.5 }),
  };
  const extra = { tolerance: 8, magnitude: 4 };
  const outside: CaseInput = { shape: [5], dtype: "i32", data: [0, 3, 3, 8, -1] };
  const few = risingIds(random, 9, 3);
  const short: CaseInput = { shape: [5], dtype: "i32", data: [2, 0, 4, 77, -1] };
  return [
    ...Object.entries(folds).flatMap(([name, fold]) => {
      const { ids, order } = shuffledIds(random, 13, 7);
      return [
        opCase(
          name,
          [floats(random, [11, 3]), risingIds(random, 11, 7)],
          (x, rows) => fold(x, rows, 7),
          extra,
        ),
        opCase(
          `${name}, ordered`,
          [floats(random, [13, 2, 3]), ids, order],
          (x, rows, along) => fold(x, rows, 9, { order: along }),
          extra,
        ),
        opCase(
          `${name}, along an order that leaves rows out`,
          [floats(random, [5, 4]), { shape: [5], dtype: "u32", data: [1, 3, 1, 3, 4] }, short],
          (x, rows, along) => fold(x, rows, 6, { order: along }),
          { ...extra, differentiable: [] },
        ),
        opCase(
          `${name}, few segments`,
          [floats(random, [9, 37]), few],
          (x, rows) => fold(x, rows, 3),
          extra,
        ),
        opCase(
          `${name}, out of range`,
          [floats(random, [5]), outside],
          (x, rows) => fold(x, rows, 5),
          extra,
        ),
        opCase(
          `${name} of a fused chain, then another`,
          [floats(random, [9, 4]), few],
          (x, rows) => fold(x.mul(2).transpose().transpose(), rows, 4).abs().add(1),
          extra,
        ),
      ];
    }),
    opCase(
      "segmentGather",
      [floats(random, [6, 3]), risingIds(random, 10, 6)],
      (x, rows) => ops.segmentGather(x, rows),
      extra,
    ),
    ...[shuffledIds(random, 10, 6)].map(({ ids, order }) =>
      opCase(
        "segmentGather, ordered",
        [floats(random, [6, 5]), ids, order],
        (x, rows, along) => ops.segmentGather(x, rows, { order: along }),
        extra,
      )
    ),
    ...[floats(random, [12, 2]), floats(random, [12, 2], [500, 520])].map((x, place) =>
      opCase(
        `segmentSoftmax${place ? ", large" : ""}`,
        [x, risingIds(random, 12, 5)],
        (logits, rows) => ops.segmentSoftmax(logits, rows, 6),
        { tolerance: 64, magnitude: 0.25 },
      )
    ),
    ...[shuffledIds(random, 12, 5)].map(({ ids, order }) =>
      opCase(
        "segmentSoftmax, ordered",
        [floats(random, [12, 3]), ids, order],
        (logits, rows, along) => ops.segmentSoftmax(logits, rows, 5, { order: along }),
        { tolerance: 64, magnitude: 0.25 },
      )
    ),
  ];
}
