/** What float16 must not change: which value is the largest, which row is picked, how likely paths are. */
import assert from "node:assert/strict";
import { evaluateReference } from "../../core/cpu/reference.ts";
import { inputLeaf } from "../../core/graph/leaf.ts";
import {
  argsort,
  concat,
  ctcLoss,
  gather,
  gradients,
  oneHot,
  takeAlongAxis,
  tensor,
} from "../../core/ops/mod.ts";
import { floats, mulberry32 } from "../core/ops/generator.ts";
import { evaluate, gpuTest, hardware, value } from "./harness.ts";

for (const [kind, tuning] of [["this adapter", {}], ["hardware", hardware]] as const) {
  gpuTest(
    `largest values are found again by other kernels: ${kind}`,
    async (device) => {
      const random = mulberry32(3);
      // The second product is too much for the thread that has found the largest values of its row.
      const shapes = [[16, 12], [12, 10], [1, 90], [90, 3]];
      const leaves = shapes.map((shape) => inputLeaf("x", shape, "f32"));
      const [x, w, v, u] = leaves;
      const largest = x.matmul(w).max(1, { keepDims: true });
      const outputs = gradients(largest.matmul(v).tanh().matmul(u).square().mean(), [w]);
      const bindings = new Map(
        leaves.map((leaf) => value(leaf, floats(random, leaf.shape, [-1, 1]).data)),
      );
      const [{ data: wanted }] = evaluateReference(outputs, bindings);
      const [found] = await evaluate(device, outputs, bindings);
      const size = Math.max(...wanted.map(Math.abs));
      wanted.forEach((exact, place) => {
        assert.ok(Math.abs(found[place] - exact) < 0.02 * size, `${found[place]}, not ${exact}`);
      });
    },
    { ...tuning, rowWork: 200 },
    "mixed_float16",
  );
}

gpuTest(
  "ids that pass through memory as floats pick the same rows",
  async (device) => {
    const random = mulberry32(4);
    const [a, b] = [1, 2].map(() => inputLeaf("ids", [8, 5], "f32"));
    const table = inputLeaf("table", [5000, 1], "f32");
    const one = inputLeaf("one", [1, 1], "f32");
    const rows = Array.from({ length: 80 }, () => Math.floor(5000 * random()));
    const bindings = new Map([
      value(a, rows.slice(0, 40)),
      value(b, rows.slice(40)),
      value(table, Array.from({ length: 5000 }, (_, row) => row)),
      value(one, [1]),
    ]);
    // Ids are joined in memory, cast, and used as numbers of classes.
    const ids = concat([a.reshape([40]), b.reshape([40])], 0);
    const picked = gather(table, ids.cast("i32")).matmul(one);
    const classes = oneHot(ids.cast("i32"), 5000).cast("f32").matmul(table).matmul(one);
    for (const found of await evaluate(device, [picked, classes], bindings)) {
      assert.deepEqual([...found], rows);
    }
  },
  {},
  "mixed_float16",
);

gpuTest(
  "places that are sorted as floats are told apart",
  async (device) => {
    const random = mulberry32(6);
    const [size, count] = [9000, 3000];
    const x = inputLeaf("x", [size], "f32");
    const places = inputLeaf("places", [count], "u32");
    const given = Array.from({ length: count }, () => Math.floor(size * random()));
    const bindings = new Map([
      value(x, floats(random, [size]).data),
      value(places, given),
    ]);
    const slopes = gradients(takeAlongAxis(x, places).sum(), [x]);
    const outputs = [...slopes, argsort(places.add(1).cast("f32"))];
    const [found, order] = await evaluate(device, outputs, bindings);
    const times = new Float32Array(size);
    for (const place of given) times[place]++;
    assert.deepEqual(found, times);
    const sorted = Array.from(order, (place) => given[place]);
    assert.deepEqual(sorted, given.toSorted((a, b) => a - b));
  },
  {},
  "mixed_float16",
);

gpuTest(
  "gradients of paths through long sequences are not rounded",
  async (device) => {
    const random = mulberry32(5);
    const [steps, classes] = [200, 12];
    const x = inputLeaf("x", [steps, 8], "f32");
    const weights = inputLeaf("weights", [8, classes], "f32");
    const labels = Array.from({ length: 30 }, () => 1 + Math.floor((classes - 1) * random()));
    const logits = x.matmul(weights).reshape([1, steps, classes]);
    const loss = ctcLoss(logits, tensor([labels], { dtype: "i32" }));
    const outputs = gradients(loss.mean(), [weights]);
    const bindings = new Map([
      value(x, floats(random, x.shape, [-1, 1]).data),
      value(weights, floats(random, weights.shape, [-0.5, 0.5]).data),
    ]);
    const [{ data: wanted }] = evaluateReference(outputs, bindings);
    const [found] = await evaluate(device, outputs, bindings);
    const size = Math.max(...wanted.map(Math.abs));
    wanted.forEach((exact, place) => {
      assert.ok(Math.abs(found[place] - exact) < 0.02 * size, `${found[place]}, not ${exact}`);
    });
  },
  {},
  "mixed_float16",
);
