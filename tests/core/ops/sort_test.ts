/** Sorting and counting of what is awkward, on every device. */
import assert from "node:assert/strict";
import * as ops from "../../../core/ops/mod.ts";
import { evaluateOn, testOnDevices } from "../../devices.ts";
import { mulberry32 } from "./generator.ts";

const random = mulberry32(5);
const awkward = [NaN, Infinity, -Infinity, 0, -0, 1e-30, 1, -1];
const [lines, size] = [3, 200];
const data = Float32Array.from(
  { length: lines * size },
  () => random() < 0.5 ? awkward[Math.floor(random() * 8)] : Math.round(random() * 9) - 4,
);

/** The places of a stable sort of a line; NaN is larger than all numbers. */
function orderOf(line: number, descending: boolean): number[] {
  const at = (place: number) => data[line * size + place];
  const compare = (a: number, b: number) =>
    Number.isNaN(a) || Number.isNaN(b) ? +Number.isNaN(a) - +Number.isNaN(b) : +(a > b) - +(a < b);
  return Array.from({ length: size }, (_, place) => place)
    .sort((a, b) => compare(at(a), at(b)) * (descending ? -1 : 1) || a - b);
}

await testOnDevices(
  "NaN, infinities, both zeros and equal numbers have the places of a stable sort",
  async (device) => {
    const x = ops.tensor(data, { shape: [lines, size] });
    const ways = [false, true];
    const found = await evaluateOn(device, [
      ...ways.map((descending) => ops.argsort(x, -1, { descending })),
      ops.topK(x, 5).indices,
      ops.sort(ops.transpose(x), 0),
      ops.sort(ops.zeros([0])),
      ops.argsort(ops.zeros([2, 0])),
    ]);
    const [rising, falling] = ways.map((descending) =>
      Array.from({ length: lines }, (_, line) => orderOf(line, descending))
    );
    assert.deepEqual([...found[0]], rising.flat());
    assert.deepEqual([...found[1]], falling.flat());
    assert.deepEqual([...found[2]], falling.flatMap((order) => order.slice(0, 5)));
    const sorted = rising.map((order, line) => order.map((place) => data[line * size + place]));
    const columns = sorted[0].flatMap((_, place) => sorted.map((line) => line[place]));
    assert.deepEqual(Array.from(found[3], (value) => value + 0), columns.map((value) => value + 0));
    assert.deepEqual([found[4].length, found[5].length], [0, 0]);
  },
);

Deno.test("bincount refuses what it cannot count", () => {
  const ids = ops.tensor([1, 2], { dtype: "u32" });
  assert.throws(() => ops.bincount(ops.zeros([3]), 4), /counts whole numbers.*received f32/);
  assert.throws(() => ops.bincount(ids, 0), /length must be a whole number from 1.*\[2\] and 0/);
  assert.throws(() => ops.bincount(ops.reshape(ids.slice([0], [1]), []), 3), /x must have an axis/);
});
