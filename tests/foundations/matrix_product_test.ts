// F1: the matrix product of the notes, on every device.
import assert from "node:assert/strict";
import { tensor } from "../../mod.ts";
import { evaluateOn, testOnDevices } from "../devices.ts";

const left = tensor([[1, 2, 3], [4, 5, 6]]);
const right = tensor([[10, 11], [20, 21], [30, 31]]);

await testOnDevices("F1: [2, 3] x [3, 2] is [[140, 146], [320, 335]]", async (options) => {
  const product = left.matmul(right);
  assert.deepEqual(product.shape, [2, 2]);
  const [values] = await evaluateOn(options, [product]);
  assert.deepEqual([...values], [140, 146, 320, 335]);
});

await testOnDevices("F1: the product of the transposes is the transpose", async (options) => {
  const [values] = await evaluateOn(options, [right.transpose().matmul(left.transpose())]);
  assert.deepEqual([...values], [140, 320, 146, 335]);
});

await testOnDevices("F1: in the other order it is another matrix, [3, 3]", async (options) => {
  const [values] = await evaluateOn(options, [right.matmul(left)]);
  assert.deepEqual([...values], [54, 75, 96, 104, 145, 186, 154, 215, 276]);
});

Deno.test("F1: inner dimensions that differ are refused by name and shape", () => {
  assert.throws(() => left.matmul(left), /matmul.*\[2, 3\] x \[2, 3\]/);
});
