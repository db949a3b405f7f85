/** Ops that turn, repeat, add up and contract axes, against loops. */
import assert from "node:assert/strict";
import { evaluateReference } from "../../../core/cpu/reference.ts";
import { ShapeError } from "../../../core/graph/errors.ts";
import { addCosts, callCost } from "../../../core/graph/cost.ts";
import { inputLeaf } from "../../../core/graph/leaf.ts";
import { planProgram } from "../../../core/graph/plan.ts";
import { createProgram } from "../../../core/graph/program.ts";
import type { Tensor } from "../../../core/graph/tensor.ts";
import * as ops from "../../../core/ops/mod.ts";
import { mulberry32 } from "./generator.ts";

const random = mulberry32(3);

/** Numbers that float32 holds. */
function numbers(...shape: number[]): Tensor {
  const size = shape.reduce((product, length) => product * length, 1);
  return ops.tensor(Float32Array.from({ length: size }, () => random() * 4 - 2), { shape });
}

const valuesOf = (x: Tensor) => [...evaluateReference([x])[0].data];

function assertClose(found: Tensor, shape: number[], expected: number[]): void {
  assert.deepEqual(found.shape, shape);
  const values = valuesOf(found);
  assert.equal(values.length, expected.length);
  values.forEach((value, at) =>
    assert(Math.abs(value - expected[at]) < 1e-9, `${at}: ${value} for ${expected[at]}`)
  );
}

/** A sum of products by one loop over every letter. */
function summed(equation: string, tensors: readonly Tensor[]): { shape: number[]; data: number[] } {
  const [inputs, outputs] = equation.split("->");
  const parts = inputs.split(",");
  const sizes = new Map<string, number>();
  parts.forEach((part, place) =>
    [...part].forEach((letter, axis) => sizes.set(letter, tensors[place].shape[axis]))
  );
  const letters = [...sizes.keys()];
  const all = tensors.map(valuesOf);
  const offset = (part: string, index: Map<string, number>) =>
    [...part].reduce((at, letter) => at * sizes.get(letter)! + index.get(letter)!, 0);
  const shape = [...outputs].map((letter) => sizes.get(letter)!);
  const data = new Array<number>(shape.reduce((product, size) => product * size, 1)).fill(0);
  const visit = (index: Map<string, number>, depth: number): void => {
    if (depth === letters.length) {
      data[offset(outputs, index)] += parts.reduce(
        (product, part, place) => product * all[place][offset(part, index)],
        1,
      );
      return;
    }
    for (let at = 0; at < sizes.get(letters[depth])!; at++) {
      visit(new Map([...index, [letters[depth], at]]), depth + 1);
    }
  };
  visit(new Map(), 0);
  return { shape, data };
}

for (
  const [equation, spelled, ...shapes] of [
    ["ij,jk->ik", "ij,jk->ik", [2, 3], [3, 4]],
    ["ij,jk", "ij,jk->ik", [2, 3], [3, 4]],
    ["cb,ca", "cb,ca->ab", [2, 3], [2, 4]],
    [" i , j -> j i ", "i,j->ji", [2], [3]],
    ["ij->ji", "ij->ji", [2, 3]],
    ["ij->", "ij->", [2, 3]],
    ["ijk->ki", "ijk->ki", [2, 3, 4]],
    ["...j->...", "abj->ab", [2, 3, 4]],
    ["...i,...i->...", "abi,abi->ab", [2, 3, 4], [2, 3, 4]],
    ["i...,ij->j...", "iab,ij->jab", [3, 2, 2], [3, 4]],
    ["...ij,jk", "abij,jk->abik", [2, 2, 2, 3], [3, 2]],
    ["ij,jk,kl->il", "ij,jk,kl->il", [2, 3], [3, 4], [4, 2]],
    ["ab,cd,ac->bd", "ab,cd,ac->bd", [2, 3], [4, 2], [2, 4]],
    ["bhqd,bhkd->bhqk", "bhqd,bhkd->bhqk", [2, 2, 3, 4], [2, 2, 5, 4]],
    ["ij,kl->", "ij,kl->", [2, 2], [3, 1]],
  ] as const
) {
  Deno.test(`einsum "${equation}" of ${JSON.stringify(shapes)} is the loop's`, () => {
    const tensors = shapes.map((shape) => numbers(...shape));
    const { shape, data } = summed(spelled, tensors);
    assertClose(ops.einsum(equation, ...tensors), shape, data);
  });
}

Deno.test("equations that are none, and tensors that do not fit, are refused", () => {
  const [a, b] = [numbers(2, 3), numbers(3, 4)];
  assert.throws(() => ops.einsum("ij,jk->->ik", a, b), RangeError);
  assert.throws(() => ops.einsum("i1,jk->ik", a, b), /must be like ij,jk->ik .*"i1,jk->ik"/);
  assert.throws(() => ops.einsum("ii->i", numbers(2, 2)), /may name an axis of one tensor once/);
  assert.throws(() => ops.einsum("ij->ijk", a), /may give axes of the tensors alone/);
  assert.throws(() => ops.einsum("ij,jk->ik", a), /is of 2 tensors: received 1/);
  for (
    const [equation, ...tensors] of [
      ["ij,jk->ik", b, a],
      ["ijk,kl->il", a, b],
      ["i->i", a],
      ["...ij,...jk->...ik", numbers(2, 2, 3), b],
      ["...ij,...jk->...ik", a, numbers(2, 3, 4)],
    ] as [string, ...Tensor[]][]
  ) {
    assert.throws(() => ops.einsum(equation, ...tensors), ShapeError, equation);
  }
});

Deno.test("flip, cumsum, repeat, tile and triangles are those of the loops", () => {
  const x = numbers(3, 4, 2);
  const values = valuesOf(x);
  const at = (i: number, j: number, k: number) => values[(i * 4 + j) * 2 + k];
  const made = (shape: number[], value: (i: number, j: number, k: number) => number) => {
    const data: number[] = [];
    for (let i = 0; i < shape[0]; i++) {
      for (let j = 0; j < shape[1]; j++) {
        for (let k = 0; k < shape[2]; k++) data.push(value(i, j, k));
      }
    }
    return data;
  };
  assertClose(ops.flip(x, [0, -1]), [3, 4, 2], made([3, 4, 2], (i, j, k) => at(2 - i, j, 1 - k)));
  assertClose(ops.flip(x), [3, 4, 2], values.toReversed());
  const upTo = (i: number, j: number, k: number): number =>
    j < 0 ? 0 : at(i, j, k) + upTo(i, j - 1, k);
  assertClose(ops.cumsum(x, 1), [3, 4, 2], made([3, 4, 2], upTo));
  assertClose(
    ops.repeat(x, 3, 1),
    [3, 12, 2],
    made([3, 12, 2], (i, j, k) => at(i, Math.floor(j / 3), k)),
  );
  assertClose(ops.tile(x, [2, 3]), [3, 8, 6], made([3, 8, 6], (i, j, k) => at(i, j % 4, k % 2)));
  assert.deepEqual(ops.tile(x, [0]).shape, [3, 4, 0]);
  for (const diagonal of [-2, 0, 1]) {
    const kept = (sign: number) =>
      made([3, 4, 2], (i, j, k) => sign * (k - j - diagonal) > 0 ? 0 : at(i, j, k));
    assertClose(ops.tril(x, diagonal), [3, 4, 2], kept(1));
    assertClose(ops.triu(x, diagonal), [3, 4, 2], kept(-1));
  }
  assert.throws(() => ops.repeat(x, 1.5), /whole numbers of times from 0: received 1.5/);
  assert.throws(() => ops.tile(x, [1, 1, 1, 2]), /a number for each axis: received \[1, 1, 1, 2\]/);
  assert.throws(() => ops.tril(numbers(3)), /of matrices and a whole diagonal: received \[3\]/);
  assert.throws(() => ops.cumsum(x, 3), ShapeError);
});

Deno.test("norm and std have PyTorch's gradients where they are 0, and numbers are: none", () => {
  const rows = [[0, 0, 0], [3, 0, -4], [1, 1, 1]];
  const corners = ops.tensor(rows);
  const slopes = (y: Tensor) => ops.gradients(y.sum(), [corners])[0];
  for (const order of [0.5, 2, 3]) {
    const expected = rows.flatMap((row) => {
      const powers = row.map((x) => Math.abs(x) ** order).reduce((sum, power) => sum + power);
      const scale = powers ** (1 / order - 1);
      return row.map((x) => x === 0 ? 0 : Math.sign(x) * Math.abs(x) ** (order - 1) * scale);
    });
    assertClose(slopes(ops.norm(corners, 1, { order })), [3, 3], expected);
  }
  const spread = Math.sqrt(74 / 9);
  const distances = [3, 0, -4].map((x) => (x + 1 / 3) / 3 / spread);
  assertClose(slopes(ops.std(corners, 1)), [3, 3], [0, 0, 0, ...distances, 0, 0, 0]);
});

Deno.test("variance, std, norm and logAddExp are those of the loops", () => {
  const x = numbers(3, 5);
  const rows = [0, 1, 2].map((row) => valuesOf(x).slice(5 * row, 5 * row + 5));
  const total = (row: number[]) => row.reduce((sum, value) => sum + value, 0);
  const spread = rows.map((row) => total(row.map((value) => (value - total(row) / 5) ** 2)) / 5);
  assertClose(ops.variance(x, 1), [3], spread);
  assertClose(ops.std(x, 1, { keepDims: true }), [3, 1], spread.map(Math.sqrt));
  for (const order of [1, 2, 3, 0.5]) {
    const lengths = rows.map((row) =>
      total(row.map((each) => Math.abs(each) ** order)) ** (1 / order)
    );
    assertClose(ops.norm(x, 1, { order }), [3], lengths);
  }
  const most = rows.map((row) => Math.max(...row.map(Math.abs)));
  assertClose(ops.norm(x, 1, { order: Infinity, keepDims: true }), [3, 1], most);
  assertClose(ops.norm(x), [], [Math.hypot(...rows.flat())]);
  assert.throws(() => ops.norm(x, 1, { order: 0 }), /its order must be above 0.*received 0/);
  const [a, b] = [ops.tensor([1000, -1000, 0]), ops.tensor([[999], [-1000]])];
  const expected = [[1000, 999], [-1000, 999], [0, 999], [1000, -1000], [-1000, -1000], [0, -1000]]
    .map(([p, q]) => Math.max(p, q) + Math.log1p(Math.exp(-Math.abs(p - q))));
  assertClose(ops.logAddExp(a, b), [2, 3], expected);
});

Deno.test("sort, argsort and topK are those of a stable sort, with equal values", () => {
  const shape = [4, 6, 3];
  // Many are equal.
  const data = Float32Array.from({ length: 72 }, () => Math.floor(random() * 5) - 2);
  const x = ops.tensor(data, { shape });
  for (const axis of [0, 1, 2]) {
    const inner = shape.slice(axis + 1).reduce((product, size) => product * size, 1);
    for (const descending of [false, true]) {
      const [order, values] = [new Array<number>(72), new Array<number>(72)];
      for (let first = 0; first < 72; first++) {
        if (Math.floor(first / inner) % shape[axis] !== 0) continue;
        const at = (place: number) => first + place * inner;
        Array.from({ length: shape[axis] }, (_, place) => place)
          .sort((a, b) => (data[at(a)] - data[at(b)]) * (descending ? -1 : 1) || a - b)
          .forEach((place, rank) => {
            order[at(rank)] = place;
            values[at(rank)] = data[at(place)];
          });
      }
      assertClose(ops.argsort(x, axis, { descending }), shape, order);
      assertClose(ops.sort(x, axis, { descending }), shape, values);
      const places = ops.argsort(x, axis, { descending });
      assertClose(ops.takeAlongAxis(x, places, axis), shape, values);
      if (axis < 2 || !descending) continue;
      const { values: largest, indices } = ops.topK(x, 2);
      const isFirst = (_: number, place: number) => place % 3 < 2;
      assertClose(largest, [4, 6, 2], values.filter(isFirst));
      assertClose(indices, [4, 6, 2], order.filter(isFirst));
    }
  }
  const far = ops.tensor([Infinity, 2, -Infinity]);
  assert.deepEqual(valuesOf(ops.sort(far)), [-Infinity, 2, Infinity]);
  const outside = ops.tensor([-1, 1, 3], { dtype: "i32" });
  assert.deepEqual(valuesOf(ops.takeAlongAxis(far, outside)), [0, 2, 0]);
  assert.throws(() => ops.takeAlongAxis(x, outside), /received \[4, 6, 3\] and indices \[3\]/);
  assert.throws(() => ops.takeAlongAxis(far, far), /indices must be u32 or i32: received f32/);
  assert.throws(() => ops.topK(far, 4), /from 1 to the size of the last axis: received 4 of 3/);
});

Deno.test("sparsePlus and sparseSigmoid are those of their formulas", () => {
  const x = ops.tensor([-5, -1, -0.75, 0, 0.5, 1, 3]);
  assertClose(ops.sparsePlus(x), [7], [0, 0, 0.015625, 0.25, 0.5625, 1, 3]);
  assertClose(ops.sparseSigmoid(x), [7], [0, 0, 0.125, 0.5, 0.75, 1, 1]);
  const [slope] = ops.gradients(ops.sparsePlus(x).sum(), [x]);
  assertClose(slope, [7], [0, 0, 0.125, 0.5, 0.75, 1, 1]);
});

Deno.test("takeAlongAxis reads no more of the axis than it is asked for", () => {
  const size = 2 ** 12;
  const x = inputLeaf("x", [3, size], "f32");
  const places = inputLeaf("places", [3, size], "u32");
  const { phases } = planProgram(createProgram([ops.takeAlongAxis(x, places)], []));
  const { flops } = addCosts(phases.flat().map(callCost));
  assert.ok(flops < 100 * 3 * size, `${flops}`);
});

Deno.test("takeAlongAxis adds up what goes back without comparing each place with each", () => {
  const size = 2 ** 12;
  const x = inputLeaf("x", [3, size], "f32");
  const places = inputLeaf("places", [3, size], "u32");
  const slopes = ops.gradients(ops.takeAlongAxis(x, places).square().sum(), [x]);
  const { flops } = addCosts(planProgram(createProgram(slopes, [])).phases.flat().map(callCost));
  assert.ok(flops < 300 * 3 * size, `${flops}`);
});
