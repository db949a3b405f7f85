/** The matrix product in WebAssembly: right, in bounds, the same bits however it is divided. */
import assert from "node:assert/strict";
import type { KernelExports } from "../../../core/cpu/kernels/load.ts";
import { type arena, canary, numbers, variants, world } from "./kernel_world.ts";

interface Case {
  m: number;
  k: number;
  n: number;
  aColumns: boolean;
  bColumns: boolean;
  accumulate: boolean;
}

/** Runs one product in parts, and returns C with a border of canaries on every side. */
function product(
  { kernels, floats, scratch }: ReturnType<typeof arena> & { kernels: KernelExports },
  { m, k, n, aColumns, bColumns, accumulate }: Case,
  parts: [number, number, number, number][],
  aSpread = 1,
): Float32Array {
  const next = numbers(m * 7 + k * 31 + n);
  const a = scratch + kernels.scratchBytes;
  const b = a + 4 * m * k * aSpread + 64;
  const cRow = n + 9;
  const c = b + 4 * n * k + 64;
  const size = cRow * (m + 2);
  for (let i = 0; i < m * k * aSpread; ++i) floats[a / 4 + i] = next(2000) / 1000 - 1;
  for (let i = 0; i < n * k; ++i) floats[b / 4 + i] = next(2000) / 1000 - 1;
  floats.fill(canary, c / 4, c / 4 + size);
  if (accumulate) {
    for (let i = 0; i < m; ++i) {
      floats.fill(i / 8, c / 4 + cRow * (i + 1), c / 4 + cRow * (i + 1) + n);
    }
  }
  const [aRow, aCol] = (aColumns ? [1, m] : [k, 1]).map((stride) => stride * aSpread);
  const [bRow, bCol] = bColumns ? [1, k] : [n, 1];
  const out = c + 4 * cRow;
  for (const part of parts) {
    kernels.matmul(a, aRow, aCol, b, bRow, bCol, out, cRow, ...part, k, scratch, +accumulate);
  }
  const result = floats.slice(c / 4, c / 4 + size);
  for (let i = 0; i < m; ++i) {
    for (let j = 0; j < n; ++j) {
      let sum = accumulate ? i / 8 : 0;
      let weight = 1 + Math.abs(sum);
      for (let p = 0; p < k; ++p) {
        const term = floats[a / 4 + i * aRow + p * aCol] * floats[b / 4 + p * bRow + j * bCol];
        sum += term;
        weight += Math.abs(term);
      }
      const at = cRow * (i + 1) + j;
      const error = Math.abs(result[at] - sum);
      if (!(error <= weight * 2 ** -23 * Math.max(2, Math.sqrt(k)))) {
        assert.fail(`[${i}, ${j}] of ${JSON.stringify({ m, k, n })}: ${result[at]} for ${sum}`);
      }
    }
  }
  return result;
}

/** Every cell outside of C still holds the canary. */
function untouched(result: Float32Array, m: number, n: number): boolean {
  return result.every((value, at) => {
    const row = Math.floor(at / (n + 9));
    return (row >= 1 && row <= m && at % (n + 9) < n) || value === canary;
  });
}

/** Cuts [0, m) × [0, n) into a random grid of blocks, in a random order. */
function grid(m: number, n: number, next: (below: number) => number) {
  const cuts = (size: number) => {
    const inner = Array.from({ length: next(4) }, () => next(size + 1));
    return [0, ...inner, size].sort((x, y) => x - y);
  };
  const rows = cuts(m);
  const columns = cuts(n);
  const parts: [number, number, number, number][] = [];
  for (let i = 1; i < rows.length; ++i) {
    for (let j = 1; j < columns.length; ++j) {
      parts.splice(next(parts.length + 1), 0, [rows[i - 1], rows[i], columns[j - 1], columns[j]]);
    }
  }
  return parts;
}

for (const relaxed of variants) {
  const name = relaxed ? "relaxed" : "plain";

  Deno.test(`matmul (${name}): random shapes and partitions, right, the same bits, in bounds`, () => {
    const place = world(relaxed);
    const next = numbers(relaxed ? 1 : 2);
    const large = [
      ...[[128, 784, 40], [70, 300, 600], [130, 513, 70], [1, 784, 512], [3, 600, 530]],
      ...[[25, 67, 130], [64, 130, 257], [34, 65, 128]],
    ];
    for (let round = 0; round < 240; ++round) {
      const [m, k, n] = large[round - 220] ?? large[round - 230] ??
        [1 + next(70), round % 40 ? 1 + next(70) : 0, 1 + next(70)];
      const shape = {
        m,
        k,
        n,
        aColumns: next(2) > 0,
        bColumns: next(2) > 0,
        accumulate: next(3) === 0,
      };
      const spread = round % 5 ? 1 : 3;
      const whole = product(place, shape, [[0, m, 0, n]], spread);
      assert.ok(untouched(whole, m, n), `writes outside of C: ${JSON.stringify(shape)}`);
      const parts = grid(m, n, next);
      const pieces = product(place, shape, parts, spread);
      const message = `${JSON.stringify(shape)} in ${JSON.stringify(parts)}`;
      assert.deepEqual(new Uint8Array(pieces.buffer), new Uint8Array(whole.buffer), message);
    }
  });

  Deno.test(`matmul (${name}): a block writes nothing beside itself`, () => {
    const place = world(relaxed);
    const next = numbers(5);
    const { kernels, floats, scratch } = place;
    const size = 40;
    const a = scratch + kernels.scratchBytes;
    const b = a + 4 * size * size + 64;
    const c = b + 4 * size * size + 64;
    floats.fill(1, a / 4, c / 4);
    for (let round = 0; round < 300; ++round) {
      const [top, bottom] = [next(size + 1), next(size + 1)].sort((x, y) => x - y);
      const [left, right] = [next(size + 1), next(size + 1)].sort((x, y) => x - y);
      const [bRow, bCol] = round % 2 ? [1, size] : [size, 1];
      const [aRow, aCol] = round % 4 > 1 ? [1, size] : [size, 1];
      floats.fill(canary, c / 4, c / 4 + size * size);
      const block = [top, bottom, left, right] as const;
      kernels.matmul(a, aRow, aCol, b, bRow, bCol, c, size, ...block, size, scratch, 0);
      for (let i = 0; i < size; ++i) {
        for (let j = 0; j < size; ++j) {
          const inside = i >= top && i < bottom && j >= left && j < right;
          if (floats[c / 4 + i * size + j] !== (inside ? size : canary)) {
            assert.fail(`[${i}, ${j}] of block ${block}: ${floats[c / 4 + i * size + j]}`);
          }
        }
      }
    }
  });
}
