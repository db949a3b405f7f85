/** What ops refuse that pick, place and draw numbers. */
import { DTypeError, ShapeError } from "../../../core/graph/errors.ts";
import * as ops from "../../../core/ops/mod.ts";
import { leaf, rows, testRefusals } from "./refusals.ts";

const key = { key0: 1, key1: 2 };

testRefusals([
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
]);
