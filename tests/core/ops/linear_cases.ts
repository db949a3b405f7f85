import { iota } from "../../../core/graph/leaf.ts";
import * as ops from "../../../core/ops/mod.ts";
import { type CaseInput, floats, type OpCase } from "./generator.ts";
import { opCase } from "./structured_cases.ts";

/** Linear algebra of small matrices, which have inverses. */
export function linearCases(random: () => number): OpCase[] {
  const extra = { tolerance: 64, magnitude: 4 };
  // In another order of rows, so that pivots must be looked for.
  const square = (batch: number, size: number): CaseInput => {
    const { data, ...rest } = floats(random, [batch, size, size]);
    const diagonal = (e: number) => (Math.floor(e / size) + 1) % size === e % size;
    return { ...rest, data: data.map((value, e) => diagonal(e) ? 2 * size + value : value) };
  };
  return [
    opCase("solve", [square(2, 4), floats(random, [2, 4, 3])], ops.solve, extra),
    opCase("solve of vectors", [square(3, 2), floats(random, [3, 2])], ops.solve, extra),
    opCase("inv", [square(2, 3)], ops.inv, extra),
    opCase("inv of more than threads", [square(1, 30)], ops.inv, { ...extra, differentiable: [] }),
    opCase("det", [square(2, 3)], ops.det, { tolerance: 64, magnitude: 100 }),
    opCase("slogdet", [square(3, 5)], (x) => ops.slogdet(x).logabsdet, extra),
    ...[4, 20].map((size) => {
      // A · Aᵀ and a little more.
      const part = floats(random, [2, size, size], [-1, 1]);
      return opCase("cholesky", [part], (x) => {
        const square = ops.matmul(x, ops.transpose(x, [0, 2, 1]));
        const more = ops.select(ops.equal(iota([size, size], 0), iota([size, size], 1)), 4, 0);
        return ops.cholesky(ops.add(square, more));
      }, { ...extra, differentiable: size < 20 ? [0] : [] });
    }),
    opCase("sign of slogdet", [square(5, 4)], (x) => ops.slogdet(x).sign, {
      ...extra,
      differentiable: [],
    }),
    opCase(
      "tensordot",
      [floats(random, [2, 3, 4]), floats(random, [4, 5])],
      (a, b) => ops.tensordot(a, b, 1),
      { tolerance: 16, magnitude: 4 },
    ),
    opCase("outer", [floats(random, [3]), floats(random, [2, 2])], ops.outer),
    opCase("kron", [floats(random, [2, 3]), floats(random, [2, 2])], ops.kron),
    opCase("trace", [floats(random, [2, 3, 4])], ops.trace, { tolerance: 16, magnitude: 4 }),
  ];
}
