import assert from "node:assert/strict";
import { inputLeaf } from "../../core/graph/leaf.ts";
import type { Tensor } from "../../core/graph/tensor.ts";
import { broadcastTo, matmul, slice, transpose } from "../../core/ops/mod.ts";
import { floats, mulberry32 } from "../core/ops/generator.ts";
import { assertParity, gpuTest, hardware, value } from "./harness.ts";

const swap = (x: Tensor) => transpose(x, [...Array(x.rank - 2).keys(), x.rank - 1, x.rank - 2]);

/** A product of random sizes: operands plain, transposed, sliced, batched or broadcast. */
function randomProduct(random: () => number, largest: number) {
  const below = (limit: number) => 1 + Math.floor(limit * random() ** 2);
  const [rows, inner, columns] = [below(largest), below(largest), below(largest)];
  const batch = random() < 0.4 ? [below(3)] : [];
  const operand = (down: number, across: number) => {
    const own = random() < 0.5 ? batch : [];
    const turned = random() < 0.5;
    const cut = random() < 0.3 ? 1 : 0;
    const shape = turned ? [...own, across + cut, down] : [...own, down + cut, across];
    const leaf = inputLeaf("operand", shape, "f32");
    const begin = [...own.map(() => 0), cut, 0];
    const part = cut ? slice(leaf, begin, shape) : leaf;
    const matrix = turned ? swap(part) : part;
    return { leaf, matrix: broadcastTo(matrix, [...batch, down, across]) };
  };
  const [a, b] = [operand(rows, inner), operand(inner, columns)];
  const bindings = new Map(
    [a, b].map(({ leaf }) => value(leaf, floats(random, leaf.shape).data)),
  );
  return { output: matmul(a.matrix, b.matrix), bindings, inner };
}

const shapes = [
  ["this adapter's blocks", {}, 60],
  ["shared sums and tiles", hardware, 200],
  ["plain threads", { ...hardware, invocations: 64 }, 90],
] as const;

for (const [kind, tuning, largest] of shapes) {
  gpuTest(`random matrix products: ${kind}`, async (device) => {
    const random = mulberry32(largest);
    await Promise.all(Array.from({ length: 24 }, async () => {
      const { output, bindings, inner } = randomProduct(random, largest);
      // Terms of mixed signs up to 9 each cancel.
      const magnitude = 9 * Math.sqrt(inner);
      await assertParity(device, [output], bindings, { tolerance: 16, magnitude });
    }));
  }, tuning);
}

gpuTest("products that are cut into parts, and large tiles", async (device) => {
  const random = mulberry32(3);
  for (const [rows, inner, columns] of [[130, 2049, 70], [64, 5000, 64], [1100, 20, 1030]]) {
    const a = inputLeaf("a", [rows, inner], "f32");
    const b = inputLeaf("b", [inner, columns], "f32");
    const bindings = new Map(
      [a, b].map((leaf) => value(leaf, floats(random, leaf.shape, [-1, 1]).data)),
    );
    const magnitude = Math.sqrt(inner);
    await assertParity(device, [matmul(a, b)], bindings, { tolerance: 32, magnitude });
  }
}, hardware);

gpuTest("products of nothing are zero, and of no rows empty", async (device) => {
  const a = inputLeaf("a", [3, 0], "f32");
  const b = inputLeaf("b", [0, 4], "f32");
  const none = inputLeaf("none", [0, 3], "f32");
  const bindings = new Map([value(a, []), value(b, []), value(none, [])]);
  await assertParity(device, [matmul(a, b), matmul(none, matmul(a, b))], bindings);
});

gpuTest("NaN and infinities pass through products", async (device) => {
  const a = inputLeaf("a", [1, 2], "f32");
  const b = inputLeaf("b", [2, 2], "f32");
  const bindings = new Map([value(a, [1, 0]), value(b, [NaN, 2, Infinity, Infinity])]);
  await assertParity(device, [matmul(a, b)], bindings);
  assert.equal(device.statistics.dispatches, 1);
});
