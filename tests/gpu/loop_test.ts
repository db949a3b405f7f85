import assert from "node:assert/strict";
import { inputLeaf, iota, literal, scalarLeaf } from "../../core/graph/leaf.ts";
import type { Tensor } from "../../core/graph/tensor.ts";
import * as ops from "../../core/ops/mod.ts";
import { floats, mulberry32 } from "../core/ops/generator.ts";
import { assertParity, evaluate, gpuTest, hardware, value } from "./harness.ts";

gpuTest("broadcasts, transposes and slices in one loop", async (device) => {
  const random = mulberry32(1);
  const a = inputLeaf("a", [4, 5, 6], "f32");
  const b = inputLeaf("b", [6, 1, 4], "f32");
  const c = inputLeaf("c", [7], "f32");
  const bindings = new Map([a, b, c].map((leaf) => value(leaf, floats(random, leaf.shape).data)));
  const sum = a.add(ops.transpose(b)).mul(ops.slice(c, [1], [7]));
  const outputs = [sum, sum.sub(1).transpose([2, 0, 1])];
  await assertParity(device, outputs, bindings, { magnitude: 1 });
});

gpuTest(
  "many small loops in one dispatch find their operands",
  async (device) => {
    const random = mulberry32(9);
    const x = inputLeaf("x", [40, 3], "f32");
    const bindings = new Map([value(x, floats(random, x.shape).data)]);
    const outputs = Array.from(
      { length: 40 },
      (_, row) => x.slice([row, 0], [row + 1, 3]).mul(0.5),
    );
    await assertParity(device, outputs, bindings);
  },
);

for (const [kind, tuning] of [["this adapter", {}], ["hardware", hardware]] as const) {
  gpuTest(`sums, maxima and minima over any axes: ${kind}`, async (device) => {
    const random = mulberry32(2);
    const x = inputLeaf("x", [3, 70, 5], "f32");
    const bindings = new Map([value(x, floats(random, x.shape).data)]);
    const axes = [[0], [1], [2], [0, 1], [0, 2], [1, 2], [0, 1, 2]];
    // A program each: compilers take long over many workgroup sums in one shader.
    await Promise.all(axes.map((over) => {
      const outputs = [x.sum(over), x.max(over), x.mul(2).min(over)];
      return assertParity(device, outputs, bindings, { tolerance: 16, magnitude: 32 });
    }));
  }, tuning);
}

gpuTest("long sums are cut into parts and have the same bits every time", async (device) => {
  const random = mulberry32(3);
  const x = inputLeaf("x", [2, 50001], "f32");
  const bindings = new Map([value(x, floats(random, x.shape).data)]);
  const outputs = [x.sum(1), x.max(), x.square().mean()];
  await assertParity(device, outputs, bindings, { tolerance: 16, magnitude: 256 });
  const [first, second] = [
    await evaluate(device, outputs, bindings),
    await evaluate(device, outputs, bindings),
  ];
  assert.deepEqual(first, second);
});

gpuTest("integers and bools", async (device) => {
  const i = inputLeaf("i", [5], "i32");
  const u = inputLeaf("u", [5], "u32");
  const b = inputLeaf("b", [5], "bool");
  const bindings = new Map([
    value(i, [-3, 2147483647, -2147483648, 0, 7]),
    value(u, [3, 4294967295, 0, 5, 9]),
    value(b, [0, 1, 1, 0, 1]),
  ]);
  const smallest = ops.select(b, i, literal(-2147483648, "i32"));
  await assertParity(device, [i.max(), i.min(), u.max(), u.min(), smallest], bindings);
  await assertParity(device, [i.sum(), ops.logicalNot(b), b.cast("f32").sum()], bindings);
});

gpuTest("a NaN is not lost in a maximum", async (device) => {
  const x = inputLeaf("x", [300], "f32");
  const data = Float32Array.from({ length: 300 }, (_, index) => index === 77 ? NaN : index);
  const bindings = new Map([value(x, data)]);
  const outputs = [x.max(), x.min(), x.reshape([3, 100]).max(0).sum()];
  for (const [result] of await evaluate(device, outputs, bindings)) assert.ok(Number.isNaN(result));
});

gpuTest("literals that WGSL refuses", async (device) => {
  const x = inputLeaf("x", [1], "f32");
  const numbers = [NaN, Infinity, -Infinity, 1e-40, -0, 3.4028234663852886e38, 1e-30, 16777217];
  const outputs = numbers.map((number) => ops.select(ops.equal(x, x), literal(number), x));
  const results = await evaluate(device, outputs, new Map([value(x, [1])]));
  numbers.forEach((number, place) => {
    assert.ok(Object.is(results[place][0], Math.fround(number)), `${number}: ${results[place][0]}`);
  });
});

gpuTest("no elements, no axes, and positions", async (device) => {
  const none = inputLeaf("none", [0, 3], "f32");
  const one = inputLeaf("one", [], "f32");
  const rate = scalarLeaf("rate");
  const bindings = new Map([value(none, []), value(one, [4]), value(rate, [0.5])]);
  const outputs: Tensor[] = [
    none.add(1),
    none.sum(0),
    none.max(1),
    one.mul(rate),
    rate,
    iota([2, 3], 1, "f32").mul(rate),
  ];
  await assertParity(device, outputs, bindings);
});

gpuTest("more workgroups than one dimension holds", async (device) => {
  const size = 65535 * device.tuning.lanes + 100;
  const x = inputLeaf("x", [size], "u32");
  const data = Uint32Array.from({ length: size }, (_, index) => index);
  const [result] = await evaluate(device, [x.add(1)], new Map([value(x, data)]));
  assert.deepEqual(result, data.map((element) => element + 1));
}, hardware);

gpuTest("threads take turns where an adapter has few", async (device) => {
  const x = inputLeaf("x", [9001], "u32");
  const data = Uint32Array.from({ length: 9001 }, (_, index) => index);
  const [result] = await evaluate(device, [x.add(1)], new Map([value(x, data)]));
  assert.deepEqual(result, data.map((element) => element + 1));
}, { software: true, lanes: 8 });

gpuTest("concatenation writes parts of one result", async (device) => {
  const random = mulberry32(4);
  const a = inputLeaf("a", [2, 3], "f32");
  const b = inputLeaf("b", [2, 5], "f32");
  const bindings = new Map([a, b].map((leaf) => value(leaf, floats(random, leaf.shape).data)));
  const joined = ops.concat([a.mul(2), b, a], 1);
  await assertParity(device, [joined, joined.sum(1)], bindings, { tolerance: 8, magnitude: 8 });
});
