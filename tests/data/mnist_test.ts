import assert from "node:assert/strict";
import { mnist } from "../../data/mnist.ts";
import { sampleCount } from "../../data/mod.ts";

Deno.test("mnist has the shapes and the counts per digit of its description", () => {
  const { train, test } = mnist;
  assert.deepEqual(train.x.shape, [60_000, 784]);
  assert.deepEqual(test.x.shape, [10_000, 784]);
  assert.deepEqual([train.y.shape, test.y.shape], [[60_000], [10_000]]);
  assert.equal(sampleCount(train), 60_000);
  for (const part of [train, test]) {
    assert.equal(part.classes, 10);
    assert.equal(part.x.scale, 1 / 255);
    assert(part.x.data instanceof Uint8Array && part.y.data instanceof Uint8Array);
    assert.equal(part.x.data.length, sampleCount(part) * 784);
  }
  const count = (labels: Iterable<number>): number[] => {
    const counts = Array<number>(10).fill(0);
    for (const label of labels) counts[label]++;
    return counts;
  };
  // Source: counts per digit of the MNIST database, as printed in many places.
  const trained = [5923, 6742, 5958, 6131, 5842, 5421, 5918, 6265, 5851, 5949];
  assert.deepEqual(count(train.y.data), trained);
  const tested = [980, 1135, 1032, 1010, 982, 892, 958, 1028, 974, 1009];
  assert.deepEqual(count(test.y.data), tested);
});

Deno.test("mnist's training pixels have their known mean and deviation", () => {
  const { data } = mnist.train.x;
  const counts = new Float64Array(256);
  for (const byte of data) counts[byte]++;
  let [sum, squares] = [0, 0];
  counts.forEach((count, byte) => {
    sum += count * byte / 255;
    squares += count * (byte / 255) ** 2;
  });
  const mean = sum / data.length;
  // Source: the constants of PyTorch's MNIST example, Normalize((0.1307,), (0.3081,)).
  assert.equal(mean.toFixed(4), "0.1307");
  assert.equal(Math.sqrt(squares / data.length - mean ** 2).toFixed(4), "0.3081");
});
