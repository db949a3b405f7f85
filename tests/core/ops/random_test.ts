import assert from "node:assert/strict";
import { evaluateReference } from "../../../core/cpu/reference.ts";
import { threefry2x32 } from "../../../core/graph/threefry.ts";
import type { Tensor } from "../../../core/graph/tensor.ts";
import {
  dropoutMask,
  normal,
  randomBits,
  type RandomKey,
  tensor,
  uniform,
} from "../../../core/ops/mod.ts";
import { mulberry32 } from "./generator.ts";

const values = (x: Tensor): Float64Array => evaluateReference([x])[0].data;
const key: RandomKey = { key0: 0x12345678, key1: 0x9abcdef0 };

function moments(data: Float64Array): { mean: number; variance: number } {
  const mean = data.reduce((sum, value) => sum + value, 0) / data.length;
  const variance = data.reduce((sum, value) => sum + (value - mean) ** 2, 0) / data.length;
  return { mean, variance };
}

Deno.test("random bits are the host's Threefry at each position", () => {
  const bits = values(randomBits(key, [5, 7], 3));
  bits.forEach((word, at) =>
    assert.equal(word, threefry2x32(0x12345678, 0x9abcdef0, at, 3)[0], `position ${at}`)
  );
  const random = mulberry32(9);
  for (let round = 0; round < 50; round++) {
    const [key0, key1, counter] = [0, 0, 0].map(() => Math.floor(random() * 2 ** 32));
    const [word] = values(randomBits({ key0, key1 }, [], counter));
    assert.equal(word, threefry2x32(key0, key1, 0, counter)[0]);
  }
});

Deno.test("keys and counters may be tensors or numbers", () => {
  const scalar = (value: number) => tensor(value, { dtype: "u32" });
  const given = { key0: scalar(0x12345678), key1: scalar(0x9abcdef0) };
  assert.deepEqual(values(normal(given, [9], scalar(3))), values(normal(key, [9], 3)));
});

Deno.test("the shape does not change the numbers; key and counter do", () => {
  const base = values(uniform(key, [12], 0));
  assert.deepEqual(values(uniform(key, [3, 4], 0)), base);
  assert.notDeepEqual(values(uniform(key, [12], 1)), base);
  assert.notDeepEqual(values(uniform({ ...key, key1: 1 }, [12], 0)), base);
});

Deno.test("uniform has the moments of [0, 1) and float32's grid", () => {
  const data = values(uniform(key, [40000], 5));
  const { mean, variance } = moments(data);
  assert.ok(Math.abs(mean - 0.5) < 0.006, `mean ${mean}`);
  assert.ok(Math.abs(variance - 1 / 12) < 0.002, `variance ${variance}`);
  assert.ok(data.every((value) => value >= 0 && value < 1 && Math.fround(value) === value));
});

Deno.test("normal has the moments of the standard normal distribution", () => {
  const data = values(normal(key, [40000], 5));
  const { mean, variance } = moments(data);
  assert.ok(Math.abs(mean) < 0.02, `mean ${mean}`);
  assert.ok(Math.abs(variance - 1) < 0.03, `variance ${variance}`);
  const beyond = data.filter((value) => Math.abs(value) > 1.96).length / data.length;
  assert.ok(Math.abs(beyond - 0.05) < 0.005, `beyond 1.96: ${beyond}`);
});

Deno.test("dropout keeps a share of 1 − rate; all at 0 and none at 1", () => {
  const kept = values(dropoutMask(key, [40000], 2, 0.3));
  assert.ok(Math.abs(moments(kept).mean - 0.7) < 0.01);
  assert.ok(values(dropoutMask(key, [1000], 2, 0)).every((value) => value === 1));
  assert.ok(values(dropoutMask(key, [1000], 2, 1)).every((value) => value === 0));
  assert.deepEqual(values(dropoutMask(key, [99], 2, tensor(0.3))), kept.slice(0, 99));
});
