import assert from "node:assert/strict";
import { inputLeaf } from "../../core/graph/leaf.ts";
import { createProgram } from "../../core/graph/program.ts";
import type { Tensor } from "../../core/graph/tensor.ts";
import {
  convolution,
  ctcLoss,
  gradients,
  recurrence,
  scaledDotProductAttention,
  scatterAdd,
  segmentMax,
  segmentSum,
  tensor,
} from "../../core/ops/mod.ts";
import { floats, mulberry32 } from "../core/ops/generator.ts";
import { assertParity, gpuTest, value } from "./harness.ts";

gpuTest("folds of more than 65,535 rows leave none out", async (device) => {
  const random = mulberry32(5);
  // Mesa's software adapter leaves a shader's loops after so many turns of all of them together.
  const count = 70_001;
  const rows = inputLeaf("rows", [count], "f32");
  const ids = inputLeaf("ids", [count], "u32");
  const images = inputLeaf("images", [65, 1, 33, 34, 2], "f32");
  const kernel = inputLeaf("kernel", [1, 1, 1, 1, 2], "f32");
  const ones = [1, 1, 1] as const;
  const none = [0, 0, 0] as const;
  const convolved = convolution(images, kernel, {
    strides: ones,
    before: none,
    after: none,
    dilation: ones,
    inputDilation: ones,
    groups: 2,
  });
  const small = (size: number) => floats(random, [size], [0.5, 1.5]).data.map((x) => x / size);
  const bindings = new Map([
    value(rows, small(count).with(count - 1, 0.25)),
    value(ids, Array.from({ length: count }, (_, place) => place < 9 ? 0 : 2)),
    value(images, small(images.size)),
    value(kernel, [1, 2]),
  ]);
  const outputs = [
    scatterAdd(rows, ids, 3),
    segmentSum(rows, ids, 3),
    segmentMax(rows, ids, 3),
    ...gradients(convolved, [kernel]),
  ];
  await assertParity(device, outputs, bindings, { tolerance: 400 });
});

gpuTest(
  "turns of elements and of the loops inside of them are no more together",
  async (device) => {
    const random = mulberry32(6);
    const sums = inputLeaf("sums", [1100, 1, 4 * 33], "f32");
    const recurrent = inputLeaf("recurrent", [33, 4 * 33], "f32");
    const bias = inputLeaf("bias", [4 * 33], "f32");
    const updates = inputLeaf("updates", [150, 16], "f32");
    const ids = inputLeaf("ids", [150], "u32");
    const lines = inputLeaf("lines", [140_000, 61], "f32");
    const logits = inputLeaf("logits", [1, 90, 1000], "f32");
    const labels = Array.from({ length: 40 }, (_, place) => 1 + 7 * place);
    const bindings = new Map([
      ...[sums, recurrent, bias, updates, lines, logits].map((leaf) =>
        value(leaf, floats(random, leaf.shape, [-0.25, 0.25]).data)
      ),
      value(ids, Array.from({ length: 150 }, (_, place) => (place * 1237) % 4000)),
    ]);
    const states = recurrence(sums, recurrent, bias, {
      cell: "lstm",
      activation: "tanh",
      recurrentActivation: "sigmoid",
      sequences: false,
    });
    const outputs = [
      // 500 elements a thread, each of which looks at 150 rows.
      scatterAdd(updates, ids, 4000),
      // 1,094 elements a thread, of 61 numbers.
      lines.max(1),
      // 1,100 steps, of 33 numbers, and of 132 on the way back.
      ...gradients(states.sum(), [bias]),
      // 90 steps, 11 classes a thread, and 81 states of each.
      ...gradients(ctcLoss(logits, tensor([labels], { dtype: "i32" })).sum(), [logits]),
    ];
    await assertParity(device, outputs, bindings, { tolerance: 400, magnitude: 1 });
  },
);

gpuTest("eight million numbers are added one by one, and multiplied", async (device) => {
  const size = 8_400_000;
  const x = inputLeaf("x", [1, size], "f32");
  const numbers = Float32Array.from({ length: size }, (_, place) => (place % 8) / 8);
  const storage = device.allocate("f32", size, "x");
  storage.write(numbers);
  const outputs = [x.add(1), x.matmul(x.transpose())];
  const executable = device.prepare(createProgram(outputs, []), () => storage);
  await executable.run([]);
  const [added, product] = await Promise.all([executable.read(0), executable.read(1)]);
  assert.ok(added.every((found, place) => found === 1 + numbers[place]));
  const wanted = numbers.reduce((sum, number) => sum + number ** 2, 0);
  assert.ok(Math.abs(product[0] - wanted) < 1e-4 * wanted, `${product[0]}, not ${wanted}`);
  executable.dispose();
});

gpuTest("attention sees all keys of a long sequence, or is refused", async (device) => {
  const random = mulberry32(7);
  const attend = (keys: number, size: number) => {
    const shapes = [[1, 3, 1, size], [1, keys, 1, size], [1, keys, 1, size]];
    const leaves = shapes.map((shape) => inputLeaf("x", shape, "f32"));
    const [query, key, value] = leaves;
    return { leaves, y: scaledDotProductAttention(query, key, value) };
  };
  const { leaves, y } = attend(1000, 136);
  const bindings = new Map(leaves.map((leaf) => value(leaf, floats(random, leaf.shape).data)));
  await assertParity(device, [y], bindings, { tolerance: 400, magnitude: 1 });
  if (!device.tuning.software) return;
  const bind = (leaf: Tensor) => device.allocate(leaf.dtype, leaf.size, "x");
  assert.throws(
    () => device.prepare(createProgram([attend(40_000, 4).y], []), bind),
    /Cannot run attention over 40000 rows on a software adapter.*use shorter sequences/,
  );
});
