import type { Tensor } from "../../../core/graph/tensor.ts";
import * as ops from "../../../core/ops/mod.ts";
import { floats, integers, type OpCase } from "./generator.ts";
import { opCase } from "./structured_cases.ts";

/** Slices of both axes, some of which overlap, and what they are of. */
export function manySlices(x: Tensor): Tensor {
  const columns = [0, 4, 3, 7, 4].map((begin) => x.slice([0, begin], [3, begin + 2]));
  const rows = [2, 0].map((row) => x.slice([row, 0], [row + 1, 9]).reshape([3, 3]));
  return ops.concat([
    ...columns,
    x.slice([0, 5], [2, 9]).reshape([-1, 1]).slice([1], [4]),
    ...rows,
    x,
  ], 1);
}

/** What turns, repeats, adds up and contracts axes. */
export function arrayCases(random: () => number): OpCase[] {
  // Sums of mixed signs cancel: their error is measured by the size of the terms.
  const sums = { tolerance: 32, magnitude: 4 };
  const falling = { descending: true };
  const exact = { tolerance: 0 };
  return [
    opCase("cumsum", [floats(random, [13])], (x) => ops.cumsum(x), sums),
    opCase("cumsum over 1", [floats(random, [2, 6, 3])], (x) => ops.cumsum(x, 1), sums),
    opCase("flip", [floats(random, [3, 5])], (x) => ops.flip(x), exact),
    opCase(
      "flip of 1",
      [integers(random, [2, 4, 3], "i32", [-9, 9])],
      (x) => ops.flip(x, 1),
      exact,
    ),
    opCase("repeat", [floats(random, [2, 3, 2])], (x) => ops.repeat(x, 3, 1), exact),
    opCase("tile", [floats(random, [2, 3, 2])], (x) => ops.tile(x, [2, 1, 3]), exact),
    opCase("tril", [floats(random, [2, 4, 3])], (x) => ops.tril(x, 1), exact),
    opCase("triu", [floats(random, [3, 4])], (x) => ops.triu(x, -1), exact),
    opCase(
      "logAddExp",
      [floats(random, [3, 4], [-90, 90]), floats(random, [4], [-90, 90])],
      ops.logAddExp,
      { tolerance: 64, magnitude: 1 },
    ),
    ...([[[2, 40], 7], [[300], 9], [[2, 3, 50], 5000], [[70, 3], 4]] as const).map((
      [shape, bins],
    ) =>
      opCase(
        `bincount of ${shape.join()} in ${bins}`,
        [integers(random, [...shape], "i32", [-1, bins + 2])],
        (x) => ops.bincount(x, bins),
        exact,
      )
    ),
    opCase("sort", [floats(random, [3, 7])], (x) => ops.sort(x), exact),
    opCase("sort of merged runs", [floats(random, [2, 150])], (x) => ops.sort(x), exact),
    opCase("topK of many", [floats(random, [1, 300])], (x) => ops.topK(x, 70).values, exact),
    opCase(
      "argsort of many equal",
      [integers(random, [2, 500], "u32", [0, 9])],
      (x) => ops.argsort(ops.cast(x, "f32"), -1, falling),
      exact,
    ),
    opCase("sort over 0", [floats(random, [5, 2])], (x) => ops.sort(x, 0, falling), exact),
    opCase("argsort", [floats(random, [2, 6])], (x) => ops.argsort(x), {
      ...exact,
      differentiable: [],
    }),
    opCase("topK", [floats(random, [3, 2, 6])], (x) => ops.topK(x, 2).values, exact),
    opCase(
      "takeAlongAxis",
      [floats(random, [3, 6]), integers(random, [3, 4], "u32", [0, 6])],
      (x, places) => ops.takeAlongAxis(x, places),
      exact,
    ),
    opCase(
      "takeAlongAxis in the middle, also out of range",
      [floats(random, [2, 5, 3]), integers(random, [2, 7, 3], "i32", [-1, 7])],
      (x, places) => ops.takeAlongAxis(x, places, 1),
      exact,
    ),
    opCase(
      "takeAlongAxis of many along a long axis, also twice and out of range",
      [floats(random, [1, 1030, 2]), integers(random, [1, 40, 2], "i32", [-64, 1150])],
      (x, places) => ops.takeAlongAxis(x, ops.bitwiseAnd(places, -64), 1),
      exact,
    ),
    opCase("many slices", [floats(random, [3, 9])], manySlices, exact),
    opCase(
      "slice, its gradient",
      [floats(random, [4, 5])],
      (x) => ops.gradients(x.slice([1, 2], [3, 5]).square().sum(), [x])[0],
      exact,
    ),
    opCase(
      "takeAlongAxis of whole numbers",
      [integers(random, [4, 3], "i32", [-9, 9]), integers(random, [2, 3], "u32", [0, 4])],
      (x, places) => ops.takeAlongAxis(x, places, 0),
      { ...exact, differentiable: [] },
    ),
    opCase("sparsePlus", [floats(random, [13])], ops.sparsePlus),
    opCase("sparseSigmoid", [floats(random, [13])], ops.sparseSigmoid),
    opCase("variance", [floats(random, [4, 6])], (x) => ops.variance(x, 1), sums),
    opCase("std of all", [floats(random, [4, 6])], (x) => ops.std(x, [0, 1]), sums),
    opCase("norm", [floats(random, [4, 6])], (x) => ops.norm(x, 1), sums),
    opCase("norm of order 3", [floats(random, [4, 6])], (x) => ops.norm(x, 0, { order: 3 }), {
      ...sums,
      tolerance: 128,
    }),
    ...[0.5, 2, 3].map((order) =>
      opCase(
        `norm of order ${order}, its gradient, with a row of zeros`,
        [floats(random, [3, 4])],
        (x) => {
          const lengths = ops.norm(x.mul(ops.tensor([[1], [0], [1]])), 1, { order });
          return ops.gradients(lengths.sum(), [x])[0];
        },
        { ...sums, tolerance: 512 },
      )
    ),
    opCase("norm of order 1", [floats(random, [7])], (x) => ops.norm(x, 0, { order: 1 }), sums),
    ...([
      ["bij,bjk->bik", [2, 3, 4], [2, 4, 5]],
      ["ik,jk->ji", [3, 4], [2, 4]],
      ["ij,ij", [3, 4], [3, 4]],
      ["...i,ji->...j", [2, 3, 4], [5, 4]],
      ["abc,db->dca", [2, 3, 4], [5, 3]],
    ] as const).map(([equation, a, b]) =>
      opCase(
        `einsum ${equation}`,
        [floats(random, [...a]), floats(random, [...b])],
        (x, y) => ops.einsum(equation, x, y),
        sums,
      )
    ),
  ];
}
