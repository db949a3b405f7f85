import assert from "node:assert/strict";
import { DTypeError, ShapeError } from "../../../core/graph/errors.ts";
import type { Tensor } from "../../../core/graph/tensor.ts";
import * as ops from "../../../core/ops/mod.ts";
import { registeredOperations } from "../../../core/ops/registry.ts";
import { leaf, rows, testRefusals } from "./refusals.ts";

testRefusals([
  [
    "an operand that is not there",
    () => ops.add(leaf([2]), [leaf([2])][1]),
    TypeError,
    /add.*tensors or numbers: received undefined/,
  ],
  [
    "shapes that do not broadcast",
    () => ops.add(leaf([2, 3]), leaf([4])),
    ShapeError,
    /add.*\[2, 3\] and \[4\]/,
  ],
  [
    "select of three shapes",
    () => ops.select(leaf([2], "bool"), leaf([3]), 0),
    ShapeError,
    /select.*\[2\] and \[3\]/,
  ],
  [
    "types that differ",
    () => ops.mul(leaf([2]), leaf([2], "i32")),
    DTypeError,
    /mul.*f32 and i32.*cast/,
  ],
  [
    "a fraction beside integers",
    () => ops.add(leaf([2], "i32"), 1.5),
    DTypeError,
    /add.*i32.*1\.5/,
  ],
  ["a negative beside u32", () => ops.sub(leaf([2], "u32"), -1), DTypeError, /sub.*u32.*-1/],
  ["NaN beside integers", () => ops.maximum(leaf([2], "i32"), NaN), DTypeError, /maximum.*NaN/],
  ["a float as condition", () => ops.select(leaf([2]), 1, 0), DTypeError, /select.*bool.*f32/],
  [
    "a shift of floats",
    () => ops.shiftLeft(leaf([2]), 1),
    DTypeError,
    /shiftLeft.*u32 or i32.*f32/,
  ],
  ["minus of u32", () => ops.neg(leaf([2], "u32")), DTypeError, /neg.*f32 or i32.*u32/],
  ["a cast of bytes", () => ops.cast(leaf([2], "u8"), "f32"), DTypeError, /cast to f32.*gather/],
  ["a cast to bytes", () => ops.cast(leaf([2]), "u8"), DTypeError, /cast to u8.*\[2\] f32/],
  [
    "inner sizes that differ",
    () => ops.matmul(leaf([2, 3]), leaf([4, 5])),
    ShapeError,
    /matmul.*\[2, 3\] x \[4, 5\]/,
  ],
  [
    "a vector in matmul",
    () => ops.matmul(leaf([3]), leaf([3, 2])),
    ShapeError,
    /matmul.*\[3\] x \[3, 2\]/,
  ],
  [
    "batches that differ",
    () => ops.matmul(leaf([2, 3, 3]), leaf([4, 3, 3])),
    ShapeError,
    /matmul.*\[2\] and \[4\]/,
  ],
  [
    "integers in matmul",
    () => ops.matmul(leaf([2, 2], "i32"), leaf([2, 2], "i32")),
    DTypeError,
    /matmul.*f32.*i32/,
  ],
  ["an axis out of range", () => ops.sum(leaf([2, 3]), 2), ShapeError, /sum.*from -2 to 1.*2/],
  ["an axis given twice", () => ops.max(leaf([2, 3]), [1, -1]), ShapeError, /max.*differ.*1, -1/],
  ["the largest of nothing", () => ops.max(leaf([2, 0]), 1), ShapeError, /max.*\[2, 0\]/],
  ["the sum of conditions", () => ops.sum(leaf([2], "bool")), DTypeError, /sum.*bool/],
  ["argMax of a scalar", () => ops.argMax(leaf([])), ShapeError, /argMax/],
  ["softmax of integers", () => ops.softmax(leaf([2], "i32")), DTypeError, /softmax.*i32/],
  [
    "logSoftmax over no axis",
    () => ops.logSoftmax(leaf([2]), 1),
    ShapeError,
    /logSoftmax.*-1 to 0.*1/,
  ],
  ["logSumExp over no axis", () => ops.logSumExp(leaf([])), ShapeError, /logSumExp/],
  [
    "targets of another shape",
    () => ops.softmaxCrossEntropy(leaf([4, 3]), leaf([4])),
    ShapeError,
    /softmaxCrossEntropy.*\[4, 3\] and \[4\].*sparse/,
  ],
  [
    "labels of another count",
    () => ops.sparseSoftmaxCrossEntropy(leaf([5, 3]), rows),
    ShapeError,
    /sparseSoftmaxCrossEntropy.*\[5, 3\] and \[4\]/,
  ],
  [
    "labels that are floats",
    () => ops.sparseSoftmaxCrossEntropy(leaf([4, 3]), leaf([4])),
    DTypeError,
    /sparseSoftmaxCrossEntropy.*u32 or i32.*f32/,
  ],
  [
    "a reshape that loses elements",
    () => ops.reshape(leaf([2, 3]), [4]),
    ShapeError,
    /reshape.*\[2, 3\] to \[4\]/,
  ],
  ["two free sizes", () => ops.reshape(leaf([2, 3]), [-1, -1]), ShapeError, /reshape.*\[-1, -1\]/],
  [
    "axes that are no permutation",
    () => ops.transpose(leaf([2, 3]), [0, 0]),
    ShapeError,
    /transpose.*0, 0/,
  ],
  ["too few axes", () => ops.transpose(leaf([2, 3]), [0]), ShapeError, /transpose.*2 axes.*0/],
  [
    "a broadcast that shrinks",
    () => ops.broadcastTo(leaf([2, 3]), [3]),
    ShapeError,
    /broadcastTo.*\[2, 3\] to \[3\]/,
  ],
  [
    "a slice past the end",
    () => ops.slice(leaf([2, 3]), [0, 0], [2, 4]),
    ShapeError,
    /slice.*\[2, 4\] of \[2, 3\]/,
  ],
  ["a slice backwards", () => ops.slice(leaf([3]), [2], [1]), ShapeError, /slice.*\[2\] to \[1\]/],
  ["a slice of more axes", () => ops.slice(leaf([3]), [0, 0], [1, 1]), ShapeError, /slice.*\[3\]/],
  ["concat of nothing", () => ops.concat([]), ShapeError, /concat.*none/],
  [
    "concat of other sizes",
    () => ops.concat([leaf([2, 3]), leaf([2, 4])]),
    ShapeError,
    /concat along axis 0.*\[2, 3\], \[2, 4\]/,
  ],
  ["concat of other types", () => ops.concat([leaf([2]), rows]), DTypeError, /concat.*f32, u32/],
  [
    "concat of bytes",
    () => ops.concat([leaf([2], "u8"), leaf([2], "u8")]),
    DTypeError,
    /concat.*u8/,
  ],
  [
    "stack of other shapes",
    () => ops.stack([leaf([2]), leaf([3])]),
    ShapeError,
    /stack.*\[2\], \[3\]/,
  ],
  [
    "split that does not add up",
    () => ops.split(leaf([5]), 2),
    ShapeError,
    /split.*5.*2 parts of \[5\]/,
  ],
  ["split in no parts", () => ops.split(leaf([5]), 0), ShapeError, /split.*0 parts/],
  [
    "squeeze of a larger axis",
    () => ops.squeeze(leaf([1, 2]), 1),
    ShapeError,
    /squeeze.*1 of \[1, 2\]/,
  ],
  ["expandDims out of range", () => ops.expandDims(leaf([2]), 3), ShapeError, /expandDims.*3/],
  ["pad of too few axes", () => ops.pad(leaf([2, 3]), [[1, 1]]), ShapeError, /pad.*\[2, 3\]/],
  [
    "a negative pad",
    () => ops.pad(leaf([2]), [[-1, 1]]),
    ShapeError,
    /pad.*\[\[-1, 1\]\] for \[2\]/,
  ],
]);

Deno.test("every elementwise op refuses bytes by its name", () => {
  for (const operation of registeredOperations()) {
    if (operation.kind !== "elementwise") continue;
    const operands = new Array<Tensor>(operation.arity).fill(leaf([2], "u8"));
    assert.throws(() => operation.infer(operands, {}), DTypeError, operation.name);
  }
});
