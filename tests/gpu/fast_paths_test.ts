import assert from "node:assert/strict";
import { inputLeaf, scalarLeaf } from "../../core/graph/leaf.ts";
import { createProgram } from "../../core/graph/program.ts";
import type { Tensor } from "../../core/graph/tensor.ts";
import { gather, gradients, matmul, sparseSoftmaxCrossEntropy } from "../../core/ops/mod.ts";
import { floats, integers, mulberry32 } from "../core/ops/generator.ts";
import { assertParity, evaluate, gpuTest, hardware, value } from "./harness.ts";

const tunings = [["this adapter", {}], ["hardware", hardware]] as const;

/** A classifier of random sizes over gathered bytes or floats, with values for all of its leaves. */
function classifier(random: () => number, bytes: boolean) {
  const below = (limit: number) => 1 + Math.floor(limit * random());
  const batch = 8 + below(30);
  const widths = [bytes ? 4 * below(12) : below(40), below(20), below(20), 1 + below(12)];
  const data = inputLeaf("data", [20, widths[0]], bytes ? "u8" : "f32");
  const order = inputLeaf("order", [batch + 3], "u32");
  const labels = inputLeaf("labels", [batch], "u32");
  const start = scalarLeaf("start", "u32");
  const x = gather(data, order, {
    start,
    count: batch,
    dtype: "f32",
    scale: 1 / 255,
    offset: -0.2,
  });
  const weights = widths.slice(1).map((units, place) =>
    inputLeaf(`w${place}`, [widths[place], units], "f32")
  );
  const biases = widths.slice(1).map((units, place) => inputLeaf(`b${place}`, [units], "f32"));
  const logits = weights.reduce(
    (y, w, place) => (place > 0 ? y.tanh() : y).matmul(w).add(biases[place]),
    x,
  );
  const loss = sparseSoftmaxCrossEntropy(logits, labels);
  const bindings = new Map([
    value(data, integers(random, data.shape, "u8", [0, 256]).data),
    value(order, integers(random, order.shape, "u32", [0, 20]).data),
    value(labels, integers(random, labels.shape, "u32", [0, widths[3]]).data),
    value(start, [3]),
    ...[...weights, ...biases].map((leaf) => value(leaf, floats(random, leaf.shape, [-1, 1]).data)),
  ]);
  return { x, loss, weights: [...weights, ...biases], bindings };
}

for (const [kind, tuning] of tunings) {
  gpuTest(`small networks of random sizes agree with the reference: ${kind}`, async (device) => {
    const random = mulberry32(5);
    await Promise.all(Array.from({ length: 5 }, async (_, round) => {
      const { loss, weights, bindings } = classifier(random, round % 2 === 0);
      const outputs = [loss, ...gradients(loss.mean(), weights)];
      await assertParity(device, outputs, bindings, { tolerance: 64, magnitude: 1 });
    }));
  }, tuning);
}

for (const rowWork of [8192, 0]) {
  const threads = rowWork > 0 ? "one thread" : "many threads";
  gpuTest(`what becomes of a row in ${threads} agrees with the reference`, async (device) => {
    const { loss, weights, bindings } = classifier(mulberry32(6), true);
    const outputs = [loss, ...gradients(loss.mean(), weights)];
    const bind = (leaf: Tensor) => device.allocate(leaf.dtype, leaf.size, "leaf");
    const { dispatchLabels } = device.prepare(createProgram(outputs, []), bind);
    const fused = dispatchLabels.some((label) => /; [^;|]*max \[[^;|]*; [^;|]*exp \[/.test(label));
    assert.equal(fused, rowWork > 0, dispatchLabels.join("\n"));
    await assertParity(device, outputs, bindings, { tolerance: 64, magnitude: 1 });
  }, { rowWork });
}

/** Rows of bytes gathered for products of both kinds: by rows, and by the terms of the sum. */
function gathered(random: () => number, rows: number, length: number, columns: number) {
  const data = inputLeaf("data", [9, length], "u8");
  const order = inputLeaf("order", [rows], "u32");
  const weights = inputLeaf("weights", [length, columns], "f32");
  const slopes = inputLeaf("slopes", [rows, columns], "f32");
  const x = gather(data, order, { dtype: "f32", scale: 1 / 255, offset: -0.5 });
  const outputs = [matmul(x, weights), matmul(x.transpose(), slopes)];
  const bindings = new Map([
    value(data, integers(random, data.shape, "u8", [0, 256]).data),
    value(order, integers(random, order.shape, "u32", [0, 9]).data),
    value(weights, floats(random, weights.shape, [-1, 1]).data),
    value(slopes, floats(random, slopes.shape, [-1, 1]).data),
  ]);
  return { outputs, bindings, order };
}

for (
  const [kind, tuning] of [...tunings, ["plain threads", { ...hardware, invocations: 64 }]] as const
) {
  gpuTest(`products of bytes of odd sizes: ${kind}`, async (device) => {
    const random = mulberry32(8);
    const sizes = [[1, 4, 1], [5, 12, 3], [33, 100, 31], [70, 68, 64], [64, 128, 130], [17, 7, 5]];
    await Promise.all(sizes.map(async ([rows, length, columns]) => {
      const { outputs, bindings } = gathered(random, rows, length, columns);
      await assertParity(device, outputs, bindings, { tolerance: 64, magnitude: 2 });
    }));
  }, tuning);

  gpuTest(`a missing row is seen behind a product: ${kind}`, async (device) => {
    const { outputs, bindings, order } = gathered(mulberry32(9), 6, 16, 5);
    const places = [0, 1, 2, 9, 4, 5];
    const [forward, backward] = await evaluate(
      device,
      outputs,
      new Map([...bindings, value(order, places)]),
    );
    forward.forEach((number, place) =>
      assert.equal(Number.isNaN(number), Math.floor(place / 5) === 3, `${place}`)
    );
    assert.ok(backward.every(Number.isNaN));
  }, tuning);
}

gpuTest("operands of one uniform binding, of two, and of too many bytes", async (device) => {
  const random = mulberry32(10);
  for (const inner of [60, 61, 700]) {
    const a = inputLeaf("a", [3, inner], "f32");
    const b = inputLeaf("b", [inner, 5], "f32");
    const bindings = new Map(
      [a, b].map((leaf) => value(leaf, floats(random, leaf.shape, [-1, 1]).data)),
    );
    await assertParity(device, [matmul(a, b)], bindings, { tolerance: 32, magnitude: 8 });
  }
}, { uniformBytes: 1024 });

/** Sizes of which one operand, or both, take one binding of a kilobyte and a part of a second. */
const cutSizes = [[3, 61, 5], [2, 97, 4], [33, 9, 43], [9, 37, 13], [40, 11, 7], [1, 300, 1]];

for (const [kind, tuning] of tunings) {
  gpuTest(`products whose terms lie in two uniform bindings: ${kind}`, async (device) => {
    const random = mulberry32(12);
    await Promise.all(cutSizes.map(async ([rows, inner, columns]) => {
      for (const turned of [false, true]) {
        const a = inputLeaf("a", turned ? [inner, rows] : [rows, inner], "f32");
        const b = inputLeaf("b", turned ? [columns, inner] : [inner, columns], "f32");
        const bindings = new Map(
          [a, b].map((leaf) => value(leaf, floats(random, leaf.shape, [-1, 1]).data)),
        );
        const output = turned ? matmul(a.transpose(), b.transpose()) : matmul(a, b);
        await assertParity(device, [output], bindings, { tolerance: 32, magnitude: 8 });
      }
    }));
  }, { ...tuning, uniformBytes: 1024 });
}
