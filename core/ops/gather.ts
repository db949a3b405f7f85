import type { DType } from "../graph/dtype.ts";
import { DTypeError, ShapeError } from "../graph/errors.ts";
import { iota } from "../graph/leaf.ts";
import type { StructuredOperation } from "../graph/operation.ts";
import { formatShape, sizeOf } from "../graph/shape.ts";
import { commonDType, registerMethod, Tensor } from "../graph/tensor.ts";
import { add } from "./add.ts";
import { cast } from "./cast.ts";
import { less } from "./less.ts";
import { mul } from "./mul.ts";
import { register } from "./registry.ts";
import { reshape } from "./reshape.ts";
import { select } from "./select.ts";

// Gather and scatterAdd stand in one file because each is the other's gradient.

/** What a row becomes when its index is out of range: seen at once, as a value and as an index. */
const missing = { f32: NaN, i32: -1, u32: 4294967295 } as const;

/** The op behind {@link gather}: `[data, indices]` or `[data, indices, start]`. */
const gatherOperation: StructuredOperation & { name: "gather" } = register({
  kind: "structured",
  name: "gather",
  infer: ([data], attributes) => ({
    shape: [attributes.count as number, ...data.shape.slice(1)],
    dtype: attributes.dtype as DType,
  }),
  reference: ([data, indices, start], attributes, output) => {
    const rowSize = sizeOf(data.shape.slice(1));
    const first = start ? start.data[0] : 0;
    const { scale, offset } = attributes as { scale: number; offset: number };
    for (let row = 0; row < output.shape[0]; row++) {
      const index = indices.data[first + row] ?? -1;
      const known = index >= 0 && index < data.shape[0];
      for (let place = 0; place < rowSize; place++) {
        const value = data.data[index * rowSize + place];
        output.data[row * rowSize + place] = !known
          ? missing[output.dtype as keyof typeof missing]
          : output.dtype === "f32"
          ? value * scale + offset
          : value;
      }
    }
  },
  work: (inputs, output, attributes) => ({
    flops: attributes.scale === 1 && attributes.offset === 0 ? 0 : 2 * sizeOf(output),
    // Of the data only the rows that are picked, and of the indices only those used.
    reads: [sizeOf(output), output[0], ...inputs.slice(2).map(() => 1)],
  }),
  vjp: (grad, node) => {
    const [data, indices, start] = node.inputs;
    if (data.dtype !== "f32") return [null, null, null];
    const { scale, count } = node.attributes as { scale: number; count: number };
    const rows = start ? gather(indices, add(reshape(start, [1]), iota([count], 0))) : indices;
    return [scatterAdd(mul(grad, scale), rows, data.shape[0]), null, null];
  },
});

/** The op behind {@link scatterAdd}: `[updates, indices]`. */
const scatterAddOperation: StructuredOperation & { name: "scatterAdd" } = register({
  kind: "structured",
  name: "scatterAdd",
  infer: ([updates], attributes) => ({
    shape: [attributes.rows as number, ...updates.shape.slice(1)],
    dtype: commonDType("scatterAdd", [updates], ["f32"]),
  }),
  reference: ([updates, indices], _attributes, output) => {
    const rowSize = sizeOf(updates.shape.slice(1));
    indices.data.forEach((index, row) => {
      if (index < 0 || index >= output.shape[0]) return;
      for (let place = 0; place < rowSize; place++) {
        output.data[index * rowSize + place] += updates.data[row * rowSize + place];
      }
    });
  },
  work: ([updates]) => ({ flops: sizeOf(updates) }),
  vjp: (grad, node) => {
    const indices = node.inputs[1];
    // As u32 a negative index is a large one, so that one comparison finds both ends.
    const known = less(cast(indices, "u32"), node.attributes.rows as number);
    const column = reshape(known, [indices.size, ...grad.shape.slice(1).map(() => 1)]);
    return [select(column, gather(grad, indices), 0), null];
  },
});

/** Settings of {@link gather}. */
export interface GatherOptions {
  /** Position in `indices` of the first row, a u32 scalar that may change from step to step. */
  readonly start?: Tensor;
  /** Number of rows to take from `start` on; needed with `start`. */
  readonly count?: number;
  /** Type of the result; default f32 for bytes, else the type of `data`. */
  readonly dtype?: "f32" | "i32" | "u32";
  /** Factor of every element of an f32 result; default 1. */
  readonly scale?: number;
  /** What is added to every element of an f32 result, after scaling; default 0. */
  readonly offset?: number;
}

/**
 * Rows of `data` picked by number, converted and scaled on the way: `data[indices]·scale + offset`.
 *
 * With `start` and `count`, row i of the result is `data[indices[start + i]]`: a mini-batch out of a
 * shuffled order that stays on the device. A row out of range is NaN, or all bits set in integers.
 *
 * @param data `[rows, ...]`, f32, i32, u32 or u8; bytes may become any type, others keep theirs.
 * @param indices Any shape (one axis with `start`), u32 or i32, in [0, rows).
 * @param options {@link GatherOptions}.
 * @returns `[...indices, ...]`, or `[count, ...]` with `start`.
 * @throws {ShapeError} when data have no axis, or `start` is no scalar, or `count` does not fit.
 * @throws {DTypeError} when indices are not whole numbers or the conversion is not offered.
 *
 * @example
 * ```ts
 * import { gather, tensor } from "@millrace/millrace";
 * import assert from "node:assert/strict";
 *
 * const pixels = tensor([[0, 255], [51, 102]], { dtype: "u8" });
 * const rows = tensor([1], { dtype: "u32" });
 * const [low, high] = await gather(pixels, rows, { scale: 1 / 255 }).data();
 * assert.ok(Math.abs(low - 0.2) < 1e-6 && Math.abs(high - 0.4) < 1e-6);
 * ```
 */
export function gather(data: Tensor, indices: Tensor, options: GatherOptions = {}): Tensor {
  const { start, scale = 1, offset = 0 } = options;
  const dtype = options.dtype ?? (data.dtype === "u8" ? "f32" : data.dtype);
  checkIndices("gather", indices);
  if (data.rank < 1) {
    throw new ShapeError(
      `Cannot apply gather as data must have an axis of rows: received ${formatShape(data.shape)}`,
    );
  }
  if (dtype === "bool" || (data.dtype !== "u8" && data.dtype !== dtype)) {
    throw new DTypeError(
      `Cannot apply gather as it converts u8 to f32, i32 or u32 and keeps those types: received ` +
        `${data.dtype} to ${dtype} (convert with cast)`,
    );
  }
  if (dtype !== "f32" && (scale !== 1 || offset !== 0)) {
    throw new DTypeError(
      `Cannot apply gather as only f32 results are scaled: received a scale or offset for ${dtype}`,
    );
  }
  if (start) checkStart(indices, start, options.count);
  else if (options.count !== undefined) {
    throw new ShapeError(
      `Cannot apply gather as a count needs a start: received count ${options.count} (give ` +
        `start, or slice the indices)`,
    );
  }
  const count = start ? options.count! : indices.size;
  const line = start ? [indices, start] : [reshape(indices, [indices.size])];
  const result = Tensor.node(gatherOperation, [data, ...line], { count, scale, offset, dtype });
  return start ? result : reshape(result, [...indices.shape, ...data.shape.slice(1)]);
}
registerMethod("gather", gather);

function checkIndices(name: string, indices: Tensor): void {
  if (indices.dtype === "u32" || indices.dtype === "i32") return;
  throw new DTypeError(
    `Cannot apply ${name} as indices must be u32 or i32: received ${indices.dtype}`,
  );
}

function checkStart(indices: Tensor, start: Tensor, count: number | undefined): void {
  if (
    indices.rank !== 1 || start.rank !== 0 || start.dtype !== "u32" || count === undefined ||
    !Number.isInteger(count) || count < 0 || count > indices.size
  ) {
    throw new ShapeError(
      `Cannot apply gather as a start must be a u32 scalar beside one axis of indices and a count ` +
        `up to their number: received ${start.describe()}, indices ${
          formatShape(indices.shape)
        } and count ${count}`,
    );
  }
}

/**
 * Sums rows that have the same number: row r of the result is the sum of `updates[i]` over all i
 * with `indices[i]` = r, in increasing order of i, so that it is the same bits every time.
 *
 * @param updates `[n, ...]`, f32.
 * @param indices `[n]`, u32 or i32, in [0, rows); updates with others are left out.
 * @param rows Number of rows of the result, from 0.
 * @returns `[rows, ...]`, f32.
 * @throws {ShapeError} when there is not one index for each update.
 * @throws {DTypeError} when indices are not whole numbers or updates are not f32.
 *
 * @example
 * ```ts
 * import { scatterAdd, tensor } from "@millrace/millrace";
 * import assert from "node:assert/strict";
 *
 * const rows = tensor([2, 0, 2], { dtype: "u32" });
 * assert.deepEqual([...await scatterAdd(tensor([1, 10, 100]), rows, 3).data()], [10, 0, 101]);
 * ```
 */
export function scatterAdd(updates: Tensor, indices: Tensor, rows: number): Tensor {
  checkIndices("scatterAdd", indices);
  const fits = indices.rank > 0 && indices.shape.every((n, axis) => updates.shape[axis] === n);
  if (!fits || !Number.isSafeInteger(rows) || rows < 0) {
    throw new ShapeError(
      `Cannot apply scatterAdd as updates must begin with the shape of indices, and rows be a whole ` +
        `number from 0: received updates ${formatShape(updates.shape)}, indices ${
          formatShape(indices.shape)
        } and ${rows} rows`,
    );
  }
  const flat = reshape(updates, [indices.size, ...updates.shape.slice(indices.rank)]);
  return Tensor.node(scatterAddOperation, [flat, reshape(indices, [indices.size])], { rows });
}
registerMethod("scatterAdd", scatterAdd);

/**
 * Rows of `x` by number (NumPy: `take` along axis 0); an embedding look-up.
 *
 * @param x `[rows, ...]`, f32, i32 or u32.
 * @param indices Any shape, u32 or i32, in [0, rows).
 * @returns `[...indices, ...]`, of the type of `x`.
 *
 * @example
 * ```ts
 * import { take, tensor } from "@millrace/millrace";
 * import assert from "node:assert/strict";
 *
 * const rows = tensor([1, 1, 0], { dtype: "u32" });
 * assert.deepEqual([...await take(tensor([5, 7]), rows).data()], [7, 7, 5]);
 * ```
 */
export function take(x: Tensor, indices: Tensor): Tensor {
  return gather(x, indices);
}
