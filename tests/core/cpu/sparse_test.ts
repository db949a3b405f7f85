/**
 * Products leave out the zeros of a first operand that has many, and give the same bits. The product of
 * a single row has no such way: every row is compared with what it gives alone.
 */
import assert from "node:assert/strict";
import {
  controlWords,
  type KernelExports,
  kernelWays,
  recordWords,
} from "../../../core/cpu/kernels/load.ts";
import { type arena, canary, numbers, variants, world } from "./kernel_world.ts";

type World = ReturnType<typeof arena> & { kernels: KernelExports };
type Next = ReturnType<typeof numbers>;
type Part = readonly [top: number, bottom: number, left: number, right: number];

interface Case {
  m: number;
  k: number;
  n: number;
  aColumns?: boolean;
  bColumns?: boolean;
  accumulate?: boolean;
}

/** Addresses and strides of a product's operands, which lie one behind the other. */
function layout({ kernels, scratch }: World, { m, k, n, aColumns, bColumns }: Case) {
  const a = scratch + kernels.scratchBytes;
  const b = a + 4 * m * k + 64;
  const c = b + 4 * k * n + 64;
  const [aRow, aCol] = aColumns ? [1, m] : [k, 1];
  const [bRow, bCol] = bColumns ? [1, k] : [n, 1];
  return { a, aRow, aCol, b, bRow, bCol, c, cRow: n + 5 };
}

/** Puts numbers into B, and into A some that neighbouring rows have in the same places. */
function fill(place: World, shape: Case, next: Next, most = 12): void {
  const { floats } = place;
  const { m, k, n } = shape;
  const { a, aRow, aCol, b } = layout(place, shape);
  for (let i = 0; i < k * n; ++i) floats[b / 4 + i] = next(2000) / 1000 - 1;
  floats.fill(0, a / 4, a / 4 + m * k);
  for (let rows = 0; rows < m; rows += 3) {
    for (let p = 0; p < k; ++p) {
      if (next(most)) continue;
      for (let i = rows; i < Math.min(rows + 3, m); ++i) {
        floats[a / 4 + i * aRow + p * aCol] = next(4) ? next(2000) / 1000 - 1 : 0;
      }
    }
  }
}

/** C and what lies around it after a product in parts, and the ways that were gone. */
function product(place: World, shape: Case, parts: readonly Part[]) {
  const { kernels, floats, scratch } = place;
  const { m, k, accumulate = false } = shape;
  const { a, aRow, aCol, b, bRow, bCol, c, cRow } = layout(place, shape);
  const size = m * cRow + 16;
  floats.fill(canary, c / 4, c / 4 + size);
  if (accumulate) {
    for (let i = 0; i < m; ++i) floats.fill(i / 8, c / 4 + i * cRow, c / 4 + i * cRow + shape.n);
  }
  kernels.ways();
  for (const part of parts) {
    kernels.matmul(a, aRow, aCol, b, bRow, bCol, c, cRow, ...part, k, scratch, +accumulate);
  }
  return { bits: new Uint32Array(floats.slice(c / 4, c / 4 + size).buffer), gone: kernels.ways() };
}

const rowsOf = ({ m, n }: Case): Part[] => Array.from({ length: m }, (_, i) => [i, i + 1, 0, n]);

for (const relaxed of variants) {
  const name = relaxed ? "relaxed" : "plain";

  Deno.test(`sparse products (${name}): the bits of rows by themselves, on random shapes`, () => {
    const place = world(relaxed);
    const next = numbers(11);
    const wide = [[40, 900, 200], [130, 33, 530]];
    const large = [...wide, [8, 2000, 16], [125, 1700, 41], [784, 32, 30], [32, 784, 30]];
    for (let round = 0; round < 120; ++round) {
      const [m, k, n] = large[round >> 2] ?? [20 + next(40), 60 + next(60), 55 + next(40)];
      const shape = {
        ...{ m, k, n, aColumns: (round & 1) > 0, bColumns: (round & 2) > 0 },
        accumulate: next(3) === 0,
      };
      fill(place, shape, next);
      const whole = product(place, shape, [[0, m, 0, n]]);
      const what = JSON.stringify(shape);
      assert.ok(whole.gone & kernelWays.sparse, `multiplies by zeros: ${what}`);
      assert.equal((whole.gone & kernelWays.lists) > 0, n >= 200, what);
      const alone = product(place, shape, rowsOf(shape));
      assert.ok(!(alone.gone & kernelWays.sparse), what);
      assert.deepEqual(whole.bits, alone.bits, what);
      const [row, column] = [next(m), next(n)];
      const parts: Part[] = [[0, row, 0, n], [row, m, column, n], [row, m, 0, column]];
      assert.deepEqual(product(place, shape, parts).bits, alone.bits, `${what} in ${parts}`);
    }
  });

  Deno.test(`sparse products (${name}): zero times infinity stays NaN`, () => {
    const place = world(relaxed);
    const next = numbers(12);
    for (const unruly of [Infinity, -Infinity, NaN]) {
      for (let round = 0; round < 40; ++round) {
        const bColumns = round % 2 > 0;
        const shape = {
          m: 60,
          k: 65 + next(4),
          n: 61 + next(4),
          aColumns: round % 4 > 1,
          bColumns,
        };
        fill(place, shape, next);
        const { b } = layout(place, shape);
        const size = shape.k * shape.n;
        // The last numbers are looked at by themselves.
        place.floats[b / 4 + (round % 3 ? next(size) : size - 1 - next(4))] = unruly;
        const whole = product(place, shape, [[0, shape.m, 0, shape.n]]);
        assert.ok(!(whole.gone & kernelWays.sparse), `${unruly} of ${JSON.stringify(shape)}`);
        const alone = product(place, shape, rowsOf(shape));
        const values = (bits: Uint32Array<ArrayBuffer>) => new Float32Array(bits.buffer);
        assert.deepEqual(values(whole.bits), values(alone.bits));
        const halves = product(place, shape, [[0, shape.m, 0, 32], [0, shape.m, 32, shape.n]]);
        assert.deepEqual(values(halves.bits), values(alone.bits));
      }
    }
  });
}

Deno.test("products with few zeros, and small ones, are multiplied as they are", () => {
  const place = world(variants[0]);
  const next = numbers(13);
  const table: [shape: Case, most: number, sparse: boolean][] = [
    [{ m: 30, k: 70, n: 60 }, 12, true],
    [{ m: 30, k: 70, n: 60, aColumns: true }, 12, true],
    [{ m: 30, k: 70, n: 60 }, 1, false],
    [{ m: 30, k: 70, n: 60, aColumns: true }, 1, false],
    [{ m: 30, k: 70, n: 30 }, 12, false],
    [{ m: 7, k: 1000, n: 60 }, 12, false],
    [{ m: 1000, k: 7, n: 60 }, 12, false],
    [{ m: 1000, k: 200, n: 10 }, 12, true],
    [{ m: 1000, k: 200, n: 6 }, 12, false],
  ];
  for (const [shape, most, sparse] of table) {
    fill(place, shape, next, most);
    const { gone } = product(place, shape, [[0, shape.m, 0, shape.n]]);
    assert.equal((gone & kernelWays.sparse) > 0, sparse, `${JSON.stringify(shape)}, 1 in ${most}`);
  }
});

Deno.test("each walk of a plan looks anew at whether its second operand is finite", () => {
  const place = world(variants[0]);
  const { kernels, control, words, floats, scratch } = place;
  const shape = { m: 48, k: 64, n: 64 };
  fill(place, shape, numbers(14));
  const { a, aRow, aCol, b, bRow, bCol, c } = layout(place, shape);
  const plan = c + 4 * shape.m * shape.n + 64 & ~63;
  words.fill(0, plan / 4, plan / 4 + 2 * recordWords);
  const { m, k, n } = shape;
  words.set([2, 0, m, 1, a, aRow, aCol, b, bRow, bCol, c, n, m, n, k, 1], plan / 4);
  words[control / 4 + controlWords.scratch] = scratch;
  const run = () => {
    kernels.ways();
    assert.equal(kernels.runPlan(control, plan, 1), 0);
    return (kernels.ways() & kernelWays.sparse) > 0;
  };
  assert.ok(run());
  floats[b / 4 + 5] = Infinity;
  assert.ok(!run());
  const column = Array.from({ length: m }, (_, i) => floats[c / 4 + i * n + 5]);
  assert.ok(column.every((value) => !Number.isFinite(value)), `${column}`);
  floats[b / 4 + 5] = 1;
  assert.ok(run());
});
