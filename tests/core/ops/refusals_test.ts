import assert from "node:assert/strict";
import { DTypeError, ShapeError } from "../../../core/graph/errors.ts";
import { inputLeaf } from "../../../core/graph/leaf.ts";
import type { DType } from "../../../core/graph/dtype.ts";
import type { Tensor } from "../../../core/graph/tensor.ts";
import * as ops from "../../../core/ops/mod.ts";
import { registeredOperations } from "../../../core/ops/registry.ts";

const leaf = (shape: number[], dtype: DType = "f32"): Tensor => inputLeaf("x", shape, dtype);
const rows = leaf([4], "u32");
const key = { key0: 1, key1: 2 };

type Refusal = typeof ShapeError | typeof DTypeError | typeof TypeError;

/** What is refused, by which error, and what the message must say. */
const refusals: [string, () => unknown, Refusal, RegExp][] = [
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
  [
    "gather by floats",
    () => ops.gather(leaf([4, 2]), leaf([2])),
    DTypeError,
    /gather.*u32 or i32.*f32/,
  ],
  ["gather of a scalar", () => ops.gather(leaf([]), rows), ShapeError, /gather.*\[\]/],
  [
    "gather that converts",
    () => ops.gather(leaf([4], "i32"), rows, { dtype: "f32" }),
    DTypeError,
    /gather.*i32 to f32.*cast/,
  ],
  ["gather of conditions", () => ops.gather(leaf([4], "bool"), rows), DTypeError, /gather.*bool/],
  [
    "a scale for integers",
    () => ops.gather(leaf([4], "u32"), rows, { scale: 2 }),
    DTypeError,
    /gather.*scale.*u32/,
  ],
  [
    "a start without count",
    () => ops.gather(leaf([4]), rows, { start: leaf([], "u32") }),
    ShapeError,
    /gather.*count undefined/,
  ],
  [
    "a count past the order",
    () => ops.gather(leaf([4]), rows, { start: leaf([], "u32"), count: 5 }),
    ShapeError,
    /gather.*\[4\] and count 5/,
  ],
  [
    "a count without start",
    () => ops.gather(leaf([4]), rows, { count: 2 }),
    ShapeError,
    /gather.*start.*count 2/,
  ],
  [
    "a start that is no scalar",
    () => ops.gather(leaf([4]), rows, { start: rows, count: 2 }),
    ShapeError,
    /gather.*\[4\] u32/,
  ],
  [
    "scatterAdd of other counts",
    () => ops.scatterAdd(leaf([3, 2]), rows, 5),
    ShapeError,
    /scatterAdd.*\[3, 2\].*\[4\]/,
  ],
  [
    "scatterAdd of integers",
    () => ops.scatterAdd(rows, rows, 5),
    DTypeError,
    /scatterAdd.*f32.*u32/,
  ],
  [
    "ctcLoss of labels of another batch",
    () => ops.ctcLoss(leaf([2, 5, 3]), leaf([3, 4], "i32")),
    ShapeError,
    /ctcLoss.*\[2, 5, 3\], \[3, 4\]/,
  ],
  [
    "ctcLoss with a mask of other steps",
    () => ops.ctcLoss(leaf([2, 5, 3]), leaf([2, 4]), { mask: leaf([2, 4], "bool") }),
    ShapeError,
    /ctcLoss.*\[2, 4\], \[2, 4\]/,
  ],
  [
    "ctcLoss with a mask of numbers",
    () => ops.ctcLoss(leaf([2, 5, 3]), leaf([2, 4]), { mask: leaf([2, 5]) }),
    DTypeError,
    /ctcLoss.*mask must be bool: received f32/,
  ],
  [
    "ctcLoss with a blank that is no class",
    () => ops.ctcLoss(leaf([2, 5, 3]), leaf([2, 4]), { maskIndex: 3 }),
    RangeError,
    /maskIndex must be one of the 3 classes: received 3/,
  ],
  [
    "sampleImage of pictures without channels",
    () => ops.sampleImage(leaf([2, 4, 5]), leaf([2, 3, 3]), leaf([2, 3, 3])),
    ShapeError,
    /sampleImage.*\[2, 4, 5\], \[2, 3, 3\]/,
  ],
  [
    "sampleImage at rows and columns of other shapes",
    () => ops.sampleImage(leaf([2, 4, 5, 1]), leaf([2, 3, 3]), leaf([2, 3, 4])),
    ShapeError,
    /sampleImage.*\[2, 3, 3\] and \[2, 3, 4\]/,
  ],
  [
    "sampleImage of integers",
    () => ops.sampleImage(leaf([2, 4, 5, 1], "i32"), leaf([2, 3, 3]), leaf([2, 3, 3])),
    DTypeError,
    /sampleImage.*f32.*i32/,
  ],
  [
    "scatterAdd to half a row",
    () => ops.scatterAdd(leaf([4]), rows, 1.5),
    ShapeError,
    /scatterAdd.*1\.5 rows/,
  ],
  [
    "segmentSum of other counts",
    () => ops.segmentSum(leaf([3, 2]), rows, 5),
    ShapeError,
    /segmentSum.*\[3, 2\].*ids \[4\]/,
  ],
  [
    "segmentMax along an order of another length",
    () => ops.segmentMax(leaf([4, 2]), rows, 5, { order: rows.slice([0], [3]) }),
    ShapeError,
    /segmentMax.*order \[3\]/,
  ],
  ["segmentSum by floats", () => ops.segmentSum(leaf([4]), leaf([4]), 5), DTypeError, /ids.*f32/],
  [
    "segmentMean of half a segment",
    () => ops.segmentMean(leaf([4]), rows, 1.5),
    ShapeError,
    /segments.*1\.5/,
  ],
  ["segmentSum of integers", () => ops.segmentSum(rows, rows, 5), DTypeError, /segmentSum.*u32/],
  [
    "segmentGather of a scalar",
    () => ops.segmentGather(leaf([]), rows),
    ShapeError,
    /axis of rows/,
  ],
  ["oneHot of floats", () => ops.oneHot(leaf([4]), 3), DTypeError, /oneHot.*u32 or i32.*f32/],
  ["oneHot of no classes", () => ops.oneHot(rows, 0), ShapeError, /oneHot.*0/],
  ["a negative random shape", () => ops.uniform(key, [-1], 0), ShapeError, /\[-1\]/],
  [
    "a float as key",
    () => ops.randomBits({ key0: leaf([]), key1: 0 }, [2], 0),
    DTypeError,
    /threefry2x32.*u32/,
  ],
];

for (const [name, call, kind, message] of refusals) {
  Deno.test(`refused: ${name}`, () => {
    assert.throws(call, (error: Error) => {
      assert.ok(error instanceof kind, `${error.name}: ${error.message}`);
      assert.match(error.message, message);
      assert.match(error.message, /^[A-Z].*[^.]$/s, "sentence case, no full stop");
      return true;
    });
  });
}

Deno.test("every elementwise op refuses bytes by its name", () => {
  for (const operation of registeredOperations()) {
    if (operation.kind !== "elementwise") continue;
    const operands = new Array<Tensor>(operation.arity).fill(leaf([2], "u8"));
    assert.throws(() => operation.infer(operands, {}), DTypeError, operation.name);
  }
});
