import assert from "node:assert/strict";
import { evaluateReference } from "../../../core/cpu/reference.ts";
import { DTypeError, ShapeError } from "../../../core/graph/errors.ts";
import { inputLeaf } from "../../../core/graph/leaf.ts";
import type { Tensor } from "../../../core/graph/tensor.ts";
import * as ops from "../../../core/ops/mod.ts";

const { tensor } = ops;
const values = (x: Tensor): number[] => [...evaluateReference([x])[0].data];

Deno.test("tensor takes numbers, nested arrays and typed arrays", () => {
  const cases: [Tensor, number[], string, number[]][] = [
    [tensor(3), [], "f32", [3]],
    [tensor([1, 2, 3]), [3], "f32", [1, 2, 3]],
    [tensor([[1, 2], [3, 4], [5, 6]]), [3, 2], "f32", [1, 2, 3, 4, 5, 6]],
    [tensor([]), [0], "f32", []],
    [tensor([[], []]), [2, 0], "f32", []],
    [tensor([1, 2, 3, 4], { shape: [2, 2] }), [2, 2], "f32", [1, 2, 3, 4]],
    [tensor([1, -2], { dtype: "i32" }), [2], "i32", [1, -2]],
    [tensor([1, 0], { dtype: "bool" }), [2], "bool", [1, 0]],
    [tensor(Uint8Array.of(7, 255)), [2], "u8", [7, 255]],
    [tensor(Uint32Array.of(7, 4294967295)), [2], "u32", [7, 4294967295]],
    [tensor(Int32Array.of(-7)), [1], "i32", [-7]],
    [tensor(Uint8Array.of(7, 9), { dtype: "f32", shape: [2, 1] }), [2, 1], "f32", [7, 9]],
  ];
  for (const [x, shape, dtype, data] of cases) {
    assert.deepEqual([x.shape, x.dtype, values(x)], [shape, dtype, data]);
  }
});

Deno.test("tensor copies what it is given", () => {
  const source = Float32Array.of(1, 2);
  const x = tensor(source);
  source[0] = 9;
  assert.deepEqual(values(x), [1, 2]);
});

Deno.test("ragged arrays are refused by the place where they differ", () => {
  const refused: [unknown, RegExp][] = [
    [[[1, 2], [3]], /expected 2 values at values\[1\], received 1 values/],
    [[[1, 2], 3], /expected 2 values at values\[1\], received 3/],
    [[1, [2]], /expected a number at values\[1\], received 1 values/],
    [[[[1], [2]], [[3], [4, 5]]], /expected 1 values at values\[1\]\[1\], received 2 values/],
    [["one"], /expected a number at values\[0\], received one/],
  ];
  for (const [given, message] of refused) {
    assert.throws(() => tensor(given as number[]), (error: Error) => {
      assert.ok(error instanceof ShapeError);
      assert.match(error.message, message);
      return true;
    });
  }
});

Deno.test("values that are none of the type are refused", () => {
  assert.throws(() => tensor([1, 1.5], { dtype: "i32" }), /i32.*1\.5 at position 1/);
  assert.throws(() => tensor([256], { dtype: "u8" }), DTypeError);
  assert.throws(() => tensor([2], { dtype: "bool" }), DTypeError);
  assert.throws(() => tensor([1, 2], { shape: [3] }), /\[3\].*3 values.*received 2/);
  assert.throws(() => tensor([1], { shape: [-1] }), ShapeError);
  assert.throws(() => ops.full([2], -1, "u32"), DTypeError);
  assert.throws(() => tensor(new Float64Array(2) as unknown as Float32Array), /Float64Array/);
});

Deno.test("full, zeros and ones", () => {
  assert.deepEqual(values(ops.full([2, 2], 0.5)), [0.5, 0.5, 0.5, 0.5]);
  assert.deepEqual(values(ops.zeros([2], "u32")), [0, 0]);
  assert.deepEqual(values(ops.ones([])), [1]);
  assert.deepEqual(values(ops.full([1], NaN)), [NaN]);
});

Deno.test("the methods of a tensor are the functions", () => {
  const x = tensor([[1, 2], [3, 4]]);
  const y = tensor([[2, 2], [2, 5]]);
  const pairs: [Tensor, Tensor][] = [
    [x.add(y), ops.add(x, y)],
    [x.sub(1), ops.sub(x, 1)],
    [x.mul(y), ops.mul(x, y)],
    [x.div(y), ops.div(x, y)],
    [x.pow(2.5), ops.pow(x, 2.5)],
    [x.maximum(y), ops.maximum(x, y)],
    [x.minimum(y), ops.minimum(x, y)],
    [x.neg(), ops.neg(x)],
    [x.abs(), ops.abs(x)],
    [x.exp(), ops.exp(x)],
    [x.log(), ops.log(x)],
    [x.sqrt(), ops.sqrt(x)],
    [x.square(), ops.square(x)],
    [x.tanh(), ops.tanh(x)],
    [x.sigmoid(), ops.sigmoid(x)],
    [x.relu(), ops.relu(x)],
    [x.sum(0), ops.sum(x, 0)],
    [x.mean([0, 1], { keepDims: true }), ops.mean(x, undefined, { keepDims: true })],
    [x.max(1), ops.max(x, 1)],
    [x.min(), ops.min(x)],
    [x.argMax(), ops.argMax(x)],
    [x.softmax(), ops.softmax(x)],
    [x.logSoftmax(0), ops.logSoftmax(x, 0)],
    [x.matmul(y), ops.matmul(x, y)],
    [x.reshape([-1]), ops.reshape(x, [4])],
    [x.transpose(), ops.transpose(x)],
    [x.slice([0, 1], [2, 2]), ops.slice(x, [0, 1], [2, 2])],
    [x.cast("i32"), ops.cast(x, "i32")],
    [x.equal(y), ops.equal(x, y)],
    [x.greater(2), ops.greater(x, 2)],
    [x.less(y), ops.less(x, y)],
  ];
  // Nodes are interned, so that the same expression is the same object.
  for (const [method, plain] of pairs) assert.equal(method, plain, method.describe());
});

Deno.test("grad and valueAndGrad take the gradient of the first argument", () => {
  const x = tensor([1, 2]);
  const loss = (weights: Tensor, inputs: Tensor, scale: number) =>
    weights.mul(inputs).square().sum().mul(scale);
  const [value, slope] = ops.valueAndGrad(loss)(x, tensor([3, 4]), 0.5);
  assert.deepEqual([values(value), values(slope)], [[36.5], [9, 32]]);
  assert.deepEqual(values(ops.grad(loss)(x, tensor([3, 4]), 0.5)), [9, 32]);
});

Deno.test("the gradient of a function whose result is no scalar is refused", () => {
  assert.throws(() => ops.grad((x) => x.square())(tensor([1, 2])), /scalar.*square \[2\] f32.*sum/);
  assert.throws(
    () => ops.grad((() => 1) as unknown as (x: Tensor) => Tensor)(tensor(1)),
    ShapeError,
  );
  assert.throws(() => ops.grad((x) => x.argMax().sum())(tensor([1, 2])), DTypeError);
});

Deno.test("gradients of what is not used are zeros, and of what has none refused", () => {
  const x = tensor([1, 2]);
  const y = tensor([[3]]);
  const [slope, none] = ops.gradients(x.square().sum(), [x, y]);
  assert.deepEqual([values(slope), values(none), none.shape], [[2, 4], [0], [1, 1]]);
  assert.throws(() => ops.gradients(x.sum(), [tensor([1], { dtype: "u32" })]), /u32/);
  assert.throws(() => ops.gradients(x, [x], y), /\[2\].*\[1, 1\]/);
  assert.deepEqual(values(ops.gradients(x.mul(3), [x], tensor([1, 10]))[0]), [3, 30]);
});

Deno.test("the reference computes only what is asked, from what is bound", () => {
  const x = inputLeaf("pixels", [2], "f32");
  const middle = x.mul(2);
  const end = middle.add(1);
  assert.throws(() => evaluateReference([end]), /input \[2\] f32.*bind "pixels"/);
  const given = { shape: [2], dtype: "f32", data: Float64Array.of(10, 20) } as const;
  assert.deepEqual([...evaluateReference([end], new Map([[middle, given]]))[0].data], [11, 21]);
  const [first, second] = evaluateReference([middle, end], new Map([[x, given]]));
  assert.deepEqual([[...first.data], [...second.data]], [[20, 40], [21, 41]]);
  const wrong = { ...given, shape: [1] };
  assert.throws(() => evaluateReference([end], new Map([[x, wrong]])), /\[2\].*\[1\]/);
});

Deno.test("the reference keeps float64: a literal 0.1 is not rounded", () => {
  assert.deepEqual(values(tensor([1, 2]).mul(0.1)), [0.1, 0.2]);
});
