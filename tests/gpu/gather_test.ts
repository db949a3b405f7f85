import assert from "node:assert/strict";
import { inputLeaf, scalarLeaf } from "../../core/graph/leaf.ts";
import { gather, scatterAdd } from "../../core/ops/mod.ts";
import { defaultTuning } from "../../gpu/tuning.ts";
import { floats, integers, mulberry32 } from "../core/ops/generator.ts";
import { compile } from "./compiled.ts";
import { assertParity, evaluate, gpuTest, value } from "./harness.ts";

gpuTest("rows of bytes are picked, converted and scaled", async (device) => {
  const random = mulberry32(1);
  // Rows of whole words, and rows that begin inside one.
  for (const width of [8, 7, 1]) {
    const data = inputLeaf("data", [11, width], "u8");
    const order = inputLeaf("order", [9], "u32");
    const start = scalarLeaf("start", "u32");
    const bindings = new Map([
      value(data, integers(random, data.shape, "u8", [0, 256]).data),
      value(order, integers(random, order.shape, "u32", [0, 11]).data),
      value(start, [3]),
    ]);
    const outputs = [
      gather(data, order, { scale: 1 / 255, offset: -0.5 }),
      gather(data, order, { start, count: 4, dtype: "u32" }),
      gather(data, order, { start, count: 5, dtype: "i32" }),
    ];
    await assertParity(device, outputs, bindings, { magnitude: 0.5 });
  }
});

gpuTest("rows of floats and integers", async (device) => {
  const random = mulberry32(2);
  const data = inputLeaf("data", [6, 2, 3], "f32");
  const whole = inputLeaf("whole", [6], "i32");
  const order = inputLeaf("order", [4], "u32");
  const bindings = new Map([
    value(data, floats(random, data.shape).data),
    value(whole, integers(random, whole.shape, "i32", [-9, 9]).data),
    value(order, [5, 0, 0, 2]),
  ]);
  const scaled = gather(data, order, { scale: 2, offset: 1 });
  await assertParity(device, [gather(data, order), scaled, gather(whole, order)], bindings);
});

gpuTest("rows out of range are seen", async (device) => {
  const data = inputLeaf("data", [2, 4], "u8");
  const order = inputLeaf("order", [2], "u32");
  const start = scalarLeaf("start", "u32");
  const bindings = new Map([
    value(data, [1, 2, 3, 4, 5, 6, 7, 8]),
    value(order, [1, 2]),
    value(start, [1]),
  ]);
  const [floating, signed, late] = await evaluate(device, [
    gather(data, order),
    gather(data, order, { dtype: "i32" }),
    gather(data, order, { start, count: 2, dtype: "u32" }),
  ], bindings);
  assert.deepEqual([...floating], [5, 6, 7, 8, NaN, NaN, NaN, NaN]);
  assert.deepEqual([...signed], [5, 6, 7, 8, -1, -1, -1, -1]);
  assert.deepEqual([...late], Array(8).fill(4294967295));
});

gpuTest("rows with equal indices are added up", async (device) => {
  const random = mulberry32(3);
  const updates = inputLeaf("updates", [40, 3], "f32");
  const indices = inputLeaf("indices", [40], "u32");
  const bindings = new Map([
    value(updates, floats(random, updates.shape).data),
    value(indices, integers(random, indices.shape, "u32", [0, 7]).data),
  ]);
  const sums = scatterAdd(updates, indices, 6);
  await assertParity(device, [sums, sums.mul(2)], bindings, { tolerance: 8, magnitude: 8 });
});

gpuTest("many rows are added up by threads that have several each", async (device) => {
  const random = mulberry32(4);
  const updates = inputLeaf("updates", [300, 5], "f32");
  const indices = inputLeaf("indices", [300], "i32");
  const bindings = new Map([
    value(updates, floats(random, updates.shape).data),
    // Some rows twice, others of none, and the last one.
    value(
      indices,
      integers(random, indices.shape, "i32", [-9, 70_010]).data.map((index, place) =>
        place % 3 ? index : place % 2 ? 70_000 : index % 7
      ),
    ),
  ]);
  const sums = scatterAdd(updates, indices, 70_001);
  await assertParity(device, [sums, sums.add(1)], bindings, { tolerance: 16, magnitude: 8 });
});

Deno.test("the indices are not looked through once more for every row of a large table", () => {
  const [updates, indices] = [inputLeaf("x", [512, 64], "f32"), inputLeaf("ids", [512], "u32")];
  const [{ groups: [x, y] }] = compile([scatterAdd(updates, indices, 30_000)]).dispatches;
  assert.ok(x * y * defaultTuning.lanes < 2 ** 18, `${x} · ${y}`);
});
