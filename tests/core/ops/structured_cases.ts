import type { Tensor } from "../../../core/graph/tensor.ts";
import * as ops from "../../../core/ops/mod.ts";
import { type CaseInput, floats, integers, type OpCase, shapesOf } from "./generator.ts";

type Extra = Partial<Pick<OpCase, "differentiable" | "tolerance" | "magnitude">>;

/** A case whose f32 inputs are all differentiable. */
export function opCase(
  name: string,
  inputs: readonly CaseInput[],
  build: (...tensors: Tensor[]) => Tensor,
  extra: Extra = {},
): OpCase {
  const places = inputs.map((_, place) => place).filter((place) => inputs[place].dtype === "f32");
  return {
    name: `${name}: ${shapesOf(inputs)}`,
    inputs,
    build,
    differentiable: places,
    tolerance: 4,
    ...extra,
  };
}

const swap = (x: Tensor) =>
  ops.transpose(x, [...x.shape.keys()].slice(0, -2).concat(x.rank - 1, x.rank - 2));

/** Matrix products: odd and unit sizes, batches, and operands that are views. */
export function matmulCases(random: () => number): OpCase[] {
  // Sums of mixed signs cancel: their error is measured by the size of the terms.
  const extra = { tolerance: 16, magnitude: 4 };
  const sizes: [number, number, number][] = [[1, 1, 1], [1, 7, 5], [5, 1, 3], [6, 4, 8], [
    33,
    17,
    9,
  ], [2, 70, 3]];
  const plain = sizes.map(([m, k, n]) =>
    opCase("matmul", [floats(random, [m, k]), floats(random, [k, n])], ops.matmul, extra)
  );
  const batched = ([[[3], []], [[2, 1], [1, 3]], [[1], [4]]] as [number[], number[]][]).map((
    [a, b],
  ) =>
    opCase(
      "matmul",
      [floats(random, [...a, 4, 5]), floats(random, [...b, 5, 3])],
      ops.matmul,
      extra,
    )
  );
  return [
    ...plain,
    ...batched,
    opCase(
      "matmul aᵀb",
      [floats(random, [7, 5]), floats(random, [7, 6])],
      (a, b) => ops.matmul(swap(a), b),
      extra,
    ),
    opCase(
      "matmul abᵀ",
      [floats(random, [5, 7]), floats(random, [6, 7])],
      (a, b) => ops.matmul(a, swap(b)),
      extra,
    ),
    opCase(
      "matmul aᵀbᵀ, batched",
      [floats(random, [2, 7, 5]), floats(random, [2, 6, 7])],
      (a, b) => ops.matmul(swap(a), swap(b)),
      extra,
    ),
    opCase(
      "matmul of slices",
      [floats(random, [6, 9]), floats(random, [8, 6])],
      (a, b) => ops.matmul(ops.slice(a, [1, 2], [4, 7]), ops.slice(b, [2, 1], [7, 5])),
      extra,
    ),
    opCase(
      "matmul of a row for all",
      [floats(random, [5]), floats(random, [5, 4])],
      (a, b) => ops.matmul(ops.broadcastTo(a, [3, 5]), b),
      extra,
    ),
    opCase(
      "dense layer",
      [floats(random, [5, 7]), floats(random, [7, 6]), floats(random, [6])],
      (x, kernel, bias) => ops.relu(ops.add(ops.matmul(x, kernel), bias)),
      extra,
    ),
  ];
}

/** Reductions over each axis, several and all, of contiguous operands and of views. */
export function reductionCases(random: () => number): OpCase[] {
  const shapes = [[], [1], [130], [5, 7], [3, 1, 4], [2, 3, 2, 3]];
  const reducers = { sum: ops.sum, mean: ops.mean, max: ops.max, min: ops.min };
  return Object.entries(reducers).flatMap(([name, reduce]) => [
    ...shapes.flatMap((shape) => {
      const choices = [
        undefined,
        ...(shape.length ? [0, -1] : []),
        ...(shape.length > 2 ? [[0, 2]] : []),
      ];
      return choices.map((axes) =>
        opCase(
          `${name} over ${axes ?? "all"}`,
          [floats(random, shape)],
          (x) => reduce(x, axes, { keepDims: axes === -1 }),
          { tolerance: 16, magnitude: 4 },
        )
      );
    }),
    opCase(`${name} of a transpose`, [floats(random, [4, 9])], (x) => reduce(x.transpose(), 1), {
      tolerance: 16,
      magnitude: 4,
    }),
    opCase(
      `${name} of a slice`,
      [floats(random, [6, 9])],
      (x) => reduce(ops.slice(x, [1, 2], [5, 8]), 0),
      {
        tolerance: 16,
        magnitude: 4,
      },
    ),
    opCase(`${name} of squares`, [floats(random, [6, 9])], (x) => reduce(x.square(), 1), {
      tolerance: 16,
    }),
    opCase(
      `${name} of a broadcast`,
      [floats(random, [6, 1])],
      (x) => reduce(ops.broadcastTo(x, [6, 5]), 1),
      { tolerance: 16, magnitude: 4 },
    ),
    ...(name === "mean" ? [] : (["i32", "u32"] as const).map((dtype) =>
      opCase(
        name,
        [integers(
          random,
          [4, 11],
          dtype,
          dtype === "i32" ? [-2000000000, 2000000000] : [0, 4294967296],
        )],
        (x) => reduce(x, 1),
        { tolerance: 0 },
      )
    )),
  ]);
}

/** Views and concat; each is followed by arithmetic too, as it has no kernel of its own. */
export function viewCases(random: () => number): OpCase[] {
  const exact = { tolerance: 0 };
  const cases: [string, number[][], (...tensors: Tensor[]) => Tensor][] = [
    ["reshape", [[4, 6]], (x) => x.reshape([3, -1])],
    ["reshape to scalar", [[1, 1]], (x) => x.reshape([])],
    ["reshape of a transpose", [[4, 6]], (x) => x.transpose().reshape([8, 3])],
    ["transpose", [[4, 6]], (x) => x.transpose()],
    ["transpose", [[2, 3, 4, 5]], (x) => x.transpose([2, 0, 3, 1])],
    ["broadcastTo", [[3, 1]], (x) => ops.broadcastTo(x, [2, 3, 4])],
    ["broadcastTo", [[]], (x) => ops.broadcastTo(x, [5])],
    ["slice", [[5, 7]], (x) => x.slice([1, -3], [4, 7])],
    ["slice of a slice", [[5, 7]], (x) => x.slice([1, 1], [5, 6]).slice([0, 2], [2, -1])],
    ["slice of a transpose", [[5, 7]], (x) => x.transpose().slice([2], [6])],
    ["concat", [[2, 3], [4, 3]], (a, b) => ops.concat([a, b])],
    ["concat", [[2, 3, 1], [2, 1, 1], [2, 4, 1]], (...all) => ops.concat(all, 1)],
    [
      "concat of views",
      [[2, 3], [3, 5]],
      (a, b) => ops.concat([a.transpose(), b.slice([0, 1], [3, 3])], -1),
    ],
    ["concat of sums", [[3], [4]], (a, b) => ops.concat([a.add(1), b.mul(2), a]).neg()],
    ["stack", [[2, 3], [2, 3]], (a, b) => ops.stack([a, b], 1)],
    ["split", [[5, 6]], (x) => ops.split(x, [1, 3, 2], 1)[1]],
    ["split in equal parts", [[6]], (x) => ops.concat(ops.split(x, 3).reverse())],
    ["pad", [[2, 3]], (x) => ops.pad(x, [[1, 0], [2, 1]], 7)],
    ["expandDims and squeeze", [[2, 1, 3]], (x) => ops.expandDims(ops.squeeze(x), 0)],
  ];
  return [
    ...cases.flatMap(([name, shapes, build]) => {
      const inputs = shapes.map((shape) => floats(random, shape));
      return [
        opCase(name, inputs, build, exact),
        opCase(
          `${name}, then a fused chain`,
          inputs,
          (...all) => build(...all).mul(3).abs().add(1),
        ),
      ];
    }),
    ...(["i32", "u32", "bool"] as const).map((dtype) =>
      opCase(
        "concat and slice",
        [integers(random, [2, 3], dtype, [0, 2]), integers(random, [2, 2], dtype, [0, 2])],
        (a, b) => ops.slice(ops.concat([a, b], 1), [0, 1], [2, 4]),
        exact,
      )
    ),
  ];
}

/** Gather and scatterAdd: types, conversions, repeats, indices out of range, a start. */
export function gatherCases(random: () => number): OpCase[] {
  const rows = (shape: number[], dtype: "u32" | "i32" = "u32", high = 7) =>
    integers(random, shape, dtype, [0, high]);
  const bytes = integers(random, [7, 19], "u8", [0, 256]);
  const order = rows([20]);
  const start: CaseInput = { shape: [], dtype: "u32", data: [6] };
  const outside: CaseInput = { shape: [4], dtype: "i32", data: [0, -1, 7, 6] };
  return [
    opCase("gather", [floats(random, [7, 3]), rows([5])], ops.take),
    opCase("gather", [floats(random, [7]), rows([2, 3], "i32")], ops.take),
    opCase("gather", [floats(random, [7, 2, 3]), rows([1])], ops.take),
    opCase(
      "gather, scaled",
      [floats(random, [7, 5]), rows([4])],
      (data, indices) => ops.gather(data, indices, { scale: 0.5, offset: -1 }),
      { magnitude: 1 },
    ),
    opCase(
      "gather from a start",
      [floats(random, [7, 5]), order, start],
      (data, indices, first) => ops.gather(data, indices, { start: first, count: 9, scale: 2 }),
    ),
    opCase(
      "gather bytes",
      [bytes, rows([9])],
      (data, indices) => ops.gather(data, indices, { scale: 1 / 255 }),
    ),
    opCase(
      "gather bytes from a start",
      [bytes, order, start],
      (data, indices, first) =>
        ops.gather(data, indices, { start: first, count: 13, scale: 1 / 255, offset: -0.5 }),
      {
        magnitude: 1,
      },
    ),
    opCase(
      "gather labels",
      [integers(random, [7], "u8", [0, 10]), order, start],
      (data, indices, first) => ops.gather(data, indices, { start: first, count: 8, dtype: "u32" }),
      { tolerance: 0 },
    ),
    opCase(
      "gather labels as i32",
      [integers(random, [7], "u8", [0, 10]), rows([3])],
      (data, indices) => ops.gather(data, indices, { dtype: "i32" }),
      { tolerance: 0 },
    ),
    ...(["i32", "u32"] as const).map((dtype) =>
      opCase(
        "gather whole numbers",
        [integers(random, [7, 2], dtype, [0, 1000]), rows([6])],
        ops.take,
        {
          tolerance: 0,
        },
      )
    ),
    opCase("gather out of range", [floats(random, [7, 3]), outside], ops.take, {
      differentiable: [],
    }),
    ...(["i32", "u32"] as const).map((dtype) =>
      opCase(
        "gather out of range",
        [integers(random, [7, 2], dtype, [0, 9]), outside],
        ops.take,
        {
          tolerance: 0,
        },
      )
    ),
    opCase(
      "scatterAdd",
      [floats(random, [9, 4]), rows([9])],
      (updates, indices) => ops.scatterAdd(updates, indices, 7),
      { magnitude: 4 },
    ),
    opCase(
      "scatterAdd",
      [floats(random, [2, 3]), rows([2, 3], "i32", 4)],
      (updates, indices) => ops.scatterAdd(updates, indices, 5),
      { magnitude: 4 },
    ),
    opCase(
      "scatterAdd out of range",
      [floats(random, [4, 2]), outside],
      (updates, indices) => ops.scatterAdd(updates, indices, 7),
      { magnitude: 4 },
    ),
  ];
}
