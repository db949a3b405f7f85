// F10 and F11: classes as one-hot rows, images as numbers.
import assert from "node:assert/strict";
import { mnist } from "../../data/mnist.ts";
import {
  arrays,
  dense,
  flatten,
  input,
  oneHot,
  oneHotEncode,
  predict,
  sequential,
  takeFirst,
  tensor,
  toCategorical,
} from "../../mod.ts";
import { evaluateOn, testOnDevices } from "../devices.ts";
import { parameterCount, setWeights } from "./networks.ts";

Deno.test("F10: to_categorical(y, 10) of the first digits, 5, 0 and 4", () => {
  const { data, shape } = toCategorical(mnist.train.y.data.subarray(0, 3), 10);
  assert.deepEqual(shape, [3, 10]);
  assert.deepEqual(
    [...data],
    [
      [0, 0, 0, 0, 0, 1, 0, 0, 0, 0],
      [1, 0, 0, 0, 0, 0, 0, 0, 0, 0],
      [0, 0, 0, 0, 1, 0, 0, 0, 0, 0],
    ].flat(),
  );
});

Deno.test("F10: Red, Red, Yellow, Green, Yellow over columns Red, Yellow, Green", () => {
  const colours = ["Red", "Red", "Yellow", "Green", "Yellow"];
  const { data, shape, categories } = oneHotEncode(colours, ["Red", "Yellow", "Green"]);
  assert.deepEqual(shape, [5, 3]);
  assert.deepEqual(
    [...data],
    [
      [1, 0, 0],
      [1, 0, 0],
      [0, 1, 0],
      [0, 0, 1],
      [0, 1, 0],
    ].flat(),
  );
  assert.deepEqual(categories, ["Red", "Yellow", "Green"]);
});

await testOnDevices("F10: oneHot() makes the same rows on the device", async (options) => {
  const [rows] = await evaluateOn(options, [oneHot(tensor([0, 0, 1, 2, 1], { dtype: "u32" }), 3)]);
  assert.deepEqual([...rows], [1, 0, 0, 1, 0, 0, 0, 1, 0, 0, 0, 1, 0, 1, 0]);
});

Deno.test("F11: a digit is 28 × 28 = 784 grey bytes, seen as 0 to 1", () => {
  assert.deepEqual(mnist.train.x.shape, [60_000, 784]);
  assert.deepEqual(mnist.test.x.shape, [10_000, 784]);
  assert.equal(mnist.train.x.scale, 1 / 255);
  const first = mnist.train.x.data.subarray(0, 784);
  assert.deepEqual([Math.min(...first), Math.max(...first)], [0, 255]);
});

await testOnDevices("F11: a network sees the pixels as bytes over 255", async (options) => {
  // One unit that adds all pixels up, and one that looks at a single one.
  const model = sequential([input([784]), dense(2, { useBias: false })]);
  const pixel = 28 * 14 + 14;
  const kernel = Array.from({ length: 784 }, (_, place) => [1, place === pixel ? 1 : 0]).flat();
  setWeights(model, [kernel]);
  const { x } = takeFirst(mnist.test, 5);
  const { data } = await predict(model, x, options);
  for (let sample = 0; sample < 5; sample++) {
    const bytes = x.data.subarray(sample * 784, (sample + 1) * 784);
    const ink = [...bytes].reduce((sum, byte) => sum + byte) / 255;
    assert(Math.abs(data[2 * sample] - ink) < 1e-3, `${data[2 * sample]} for ${ink}`);
    assert(Math.abs(data[2 * sample + 1] - bytes[pixel] / 255) < 1e-6);
  }
});

await testOnDevices("F11: a colour image has three channels", async (options) => {
  // Two images of one row of two pixels: red and white, black and blue.
  const images = [
    [[[255, 0, 0], [255, 255, 255]]],
    [[[0, 0, 0], [0, 0, 255]]],
  ];
  const pixels = new Uint8Array(images.flat(3));
  const { x } = arrays(pixels, [0, 1], { inputShape: [1, 2, 3], scale: 1 / 255 });
  assert.deepEqual(x.shape, [2, 1, 2, 3]);
  // A dense layer works on the last axis: this one keeps a channel a unit.
  const channels = sequential([input([1, 2, 3]), dense(3, { useBias: false })]);
  setWeights(channels, [[0, 0, 1, 0, 1, 0, 1, 0, 0]]);
  const turned = await predict(channels, x, options);
  assert.deepEqual(turned.shape, [2, 1, 2, 3]);
  // Blue, green, red.
  assert.deepEqual([...turned.data], [0, 0, 1, 1, 1, 1, 0, 0, 0, 1, 0, 0]);
});

Deno.test("F11: a colour image of 32 × 32 is 3,072 numbers to a dense layer", () => {
  const model = sequential([input([32, 32, 3]), flatten(), dense(10)]);
  assert.equal(parameterCount(model), 3072 * 10 + 10);
});
