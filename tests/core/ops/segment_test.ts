/** Folds over segments: the same bits on any number of threads, and those of sums in order. */
import assert from "node:assert/strict";
import { evaluateTensors } from "../../../core/cpu/evaluate.ts";
import type { Tensor } from "../../../core/graph/tensor.ts";
import {
  gradients,
  scatterAdd,
  segmentGather,
  segmentMax,
  segmentMean,
  segmentSoftmax,
  segmentSum,
  tensor,
} from "../../../core/ops/mod.ts";
import { evaluateOn, testOnDevices } from "../../devices.ts";
import { TestCpu } from "../cpu/test_cpu.ts";
import { type CaseInput, floats, mulberry32 } from "./generator.ts";
import { shuffledIds } from "./segment_cases.ts";

const leaf = ({ data, shape, dtype }: CaseInput): Tensor =>
  tensor(
    dtype === "f32" ? Float32Array.from(data) : Uint32Array.from(data),
    { shape },
  );

/** Values of the given width, in segments of which some are empty and one has half of the rows. */
function example(width: number) {
  const random = mulberry32(width);
  const { ids } = shuffledIds(random, 301, 83);
  const crowded = ids.data.map((id, row) => row % 2 ? 17 : id);
  const order = [...crowded.keys()].sort((a, b) => crowded[a] - crowded[b] || a - b);
  return {
    values: leaf(floats(random, [301, width])),
    ids: leaf({ ...ids, data: crowded }),
    order: leaf({ shape: [301], dtype: "u32", data: order }),
  };
}

Deno.test("segment sums are those of scatterAdd to the last bit, and so are gradients", async () => {
  for (const width of [1, 3, 16, 21]) {
    const { values, ids, order } = example(width);
    const weights = leaf(floats(mulberry32(7), [301, width]));
    const x = segmentSum(values, ids, 90, { order });
    const picked = segmentGather(x, ids, { order }).mul(weights);
    const plain = scatterAdd(values, ids, 90);
    const [fast] = gradients(picked.sum(), [x]);
    const [a, b, c, d] = await evaluateTensors([x, plain, fast, scatterAdd(weights, ids, 90)]);
    assert.deepEqual(a, b);
    assert.deepEqual(c, d);
    assert.ok(a.some((value) => value !== 0) && a.some((value) => value === 0));
  }
});

await testOnDevices(
  "segments without rows are what was asked for, finite or not",
  async (device) => {
    const [values, ids] = [tensor([1, 4, 2]), tensor([0, 0, 2], { dtype: "u32" })];
    const wanted = [-Infinity, Infinity, NaN, -3, 0];
    const found = wanted.map((empty) => segmentMax(values, ids, 3, { empty }));
    for (const [place, row] of (await evaluateOn(device, found)).entries()) {
      assert.deepEqual([...row], [4, wanted[place], 2]);
    }
  },
);

Deno.test("one, two and three threads give the same bits", async () => {
  const results: unknown[] = [];
  for (const threads of [1, 2, 3]) {
    using device = new TestCpu(threads);
    await device.ready();
    const outputs = [1, 5, 37].flatMap((width) => {
      const { values, ids, order } = example(width);
      // Many segments are shared out by segment, few by column.
      return [90, 4].flatMap((segments) => [
        segmentSum(values, ids, segments, { order }),
        segmentMax(values, ids, segments, { order, empty: -1 }),
      ]);
    });
    results.push(await evaluateTensors(outputs, device));
    assert.ok(device.together > 0);
  }
  assert.deepEqual(results[1], results[0]);
  assert.deepEqual(results[2], results[0]);
});

const folds = { segmentSum, segmentMax, segmentMean, segmentSoftmax };

for (const [name, fold] of Object.entries(folds)) {
  Deno.test(`${name} refuses constant ids that do not rise, and an order along which they do not`, () => {
    const values = tensor([1, 10, 100, 1000]);
    const whole = (numbers: number[]) => tensor(numbers, { dtype: "i32" });
    const given = (ids: number[], order?: number[]) =>
      fold(values, whole(ids), 3, order && { order: whole(order) });
    for (const rising of [[0, 0, 2, 2], [1, 2, 9, -1], [0, 2, -1, 3], [5, 4, -1, 7]]) {
      assert.ok(given(rising).size > 0);
    }
    assert.ok(given([2, 0, 1, 0], [1, 3, 2, 0]).size > 0);
    const cases: [numbers: number[], order: number[] | undefined, message: RegExp][] = [
      [[0, 2, 1, 1], undefined, /as ids must rise, .*: received 1 at place 2, behind 2 \(give/],
      [[-1, 0, 1, 2], undefined, /received 0 at place 1, behind one that is not in \[0, 3\)/],
      [[0, 3, 1, 1], undefined, /received 1 at place 2, behind one that is not in \[0, 3\)/],
      [
        [2, 0, 1, 0],
        [0, 1, 2, 3],
        /ids must rise along the order.*received 0 at place 1, behind 2/,
      ],
    ];
    for (const [ids, order, message] of cases) {
      assert.throws(() => given(ids, order), { name: "RangeError", message });
    }
  });
}
