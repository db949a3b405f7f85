import { DTypeError, ShapeError } from "../graph/errors.ts";
import type {
  Attributes,
  CompositeOperation,
  ReferenceArray,
  StructuredOperation,
} from "../graph/operation.ts";
import { constantData } from "../graph/leaf.ts";
import { formatShape, sizeOf } from "../graph/shape.ts";
import { commonDType, Tensor } from "../graph/tensor.ts";
import { cast } from "./cast.ts";
import { gather } from "./gather.ts";
import { less } from "./less.ts";
import { register } from "./registry.ts";
import { reshape } from "./reshape.ts";
import { select } from "./select.ts";

// SegmentSum and segmentGather stand in one file because each is the other's gradient.

/** Settings of the ops over segments. */
export interface SegmentOptions {
  /**
   * The numbers of the rows, `[n]`, u32 or i32, so that `ids` rise along them and equal ones keep
   * their order; left out, `ids` rise as they are. Ids that are out of range stand last.
   */
  readonly order?: Tensor;
}

/** The op behind {@link segmentSum}: `[values, ids]` or `[values, ids, order]`. */
const segmentSumOperation: StructuredOperation & { name: "segmentSum" } = register({
  kind: "structured",
  name: "segmentSum",
  infer: (inputs, attributes) => inferSegments("segmentSum", inputs, attributes),
  reference: (inputs, _attributes, output) =>
    eachRow(inputs, output, (value, at) => output.data[at] += value),
  work: ([values]) => ({ flops: sizeOf(values) }),
  vjp: (grad, node) => {
    const [, ids, order] = node.inputs;
    // As u32 a negative id is a large one, so that one comparison finds both ends.
    const known = less(cast(ids, "u32"), node.attributes.segments as number);
    const rows = segmentGather(grad, ids, { order });
    return [select(asColumn(known, grad.rank), rows, 0), null, null];
  },
});

/** The op behind {@link segmentGather}: `[x, ids]` or `[x, ids, order]`. */
const segmentGatherOperation: CompositeOperation = register({
  kind: "composite",
  name: "segmentGather",
  infer: ([x, ids]) => ({
    shape: [ids.size, ...x.shape.slice(1)],
    dtype: commonDType("segmentGather", [x], ["f32"]),
  }),
  reference: ([x, ids], _attributes, output) => {
    const rowSize = sizeOf(x.shape.slice(1));
    ids.data.forEach((id, row) => {
      for (let place = 0; place < rowSize; place++) {
        const known = id >= 0 && id < x.shape[0];
        output.data[row * rowSize + place] = known ? x.data[id * rowSize + place] : NaN;
      }
    });
  },
  expand: ([x, ids]) => gather(x, ids),
  vjp: (grad, node) => {
    const [x, ids, order] = node.inputs;
    return [segmentSum(grad, ids, x.shape[0], { order }), null, null];
  },
});

/** What an op that folds rows by segment makes of its inputs; refuses ids that are known not to rise. */
export function inferSegments(
  name: string,
  [values, ids, order]: readonly Tensor[],
  attributes: Attributes,
): { shape: number[]; dtype: "f32" } {
  checkRising(name, ids, order, attributes.segments as number);
  return {
    shape: [attributes.segments as number, ...values.shape.slice(1)],
    dtype: commonDType(name, [values], ["f32"]) as "f32",
  };
}

/**
 * Refuses ids that do not rise where they are known as the graph is built. It is not looked for in a
 * step: what comes with a batch is taken as it is.
 */
function checkRising(name: string, ids: Tensor, order: Tensor | undefined, segments: number): void {
  const data = constantData(ids);
  const rows = order && constantData(order);
  if (!data || (order && !rows)) return;
  let highest = 0;
  for (let place = 0; place < data.length; place++) {
    const id = data[rows ? rows[place] : place] ?? -1;
    // Those out of range, of which no segment is made, stand last in any order.
    const segment = id >= 0 && id < segments ? id : segments;
    if (segment >= highest) {
      highest = segment;
      continue;
    }
    throw new RangeError(
      `Cannot apply ${name} as ids must rise${
        order ? " along the order" : ""
      }, those out of range ` +
        `last: received ${id} at place ${place}, behind ${
          highest < segments ? highest : `one that is not in [0, ${segments})`
        } (give as "order" the numbers of the rows by their ids)`,
    );
  }
}

/** Calls `visit` with every value of a known segment, and where it belongs in the result. */
export function eachRow(
  [values, ids, order]: readonly ReferenceArray[],
  output: ReferenceArray,
  visit: (value: number, at: number) => void,
): void {
  const rowSize = sizeOf(values.shape.slice(1));
  for (let k = 0; k < ids.data.length; k++) {
    const row = order ? order.data[k] : k;
    const id = ids.data[row] ?? -1;
    if (!(id >= 0 && id < output.shape[0])) continue;
    for (let place = 0; place < rowSize; place++) {
      visit(values.data[row * rowSize + place], id * rowSize + place);
    }
  }
}

/** A value a row, against rows of `rank` axes in all. */
function asColumn(x: Tensor, rank: number): Tensor {
  return reshape(x, [x.size, ...Array<number>(rank - 1).fill(1)]);
}

/** Refuses ids that do not fit the values; gives the inputs of the op's node. */
export function segmentInputs(
  name: string,
  values: Tensor,
  ids: Tensor,
  segments: number,
  { order }: SegmentOptions,
): Tensor[] {
  for (const [what, tensor] of Object.entries({ ids, ...(order && { order }) })) {
    if (tensor.dtype !== "u32" && tensor.dtype !== "i32") {
      throw new DTypeError(
        `Cannot apply ${name} as ${what} must be u32 or i32: received ${tensor.dtype} ` +
          "(convert with cast)",
      );
    }
    if (tensor.rank === 1 && tensor.size === values.shape[0]) continue;
    throw new ShapeError(
      `Cannot apply ${name} as there must be one axis of ${what}, one for each row: received ` +
        `${formatShape(values.shape)} and ${what} ${formatShape(tensor.shape)}`,
    );
  }
  if (!Number.isSafeInteger(segments) || segments < 0) {
    throw new ShapeError(
      `Cannot apply ${name} as the number of segments must be a whole number from 0: received ` +
        `${segments}`,
    );
  }
  return order ? [values, ids, order] : [values, ids];
}

/**
 * Sums rows by segment: row s of the result is the sum of `values[i]` over all i with `ids[i]` = s.
 *
 * As rows of a segment follow each other, each sum goes through its own rows alone, in their order:
 * no atomics, and the same bits every time, on any number of threads. Ids that do not rise are
 * refused where they are constants; those that come with a batch or are computed give wrong sums:
 * {@link scatterAdd} takes any.
 *
 * @param values `[n, ...]`, f32.
 * @param ids `[n]`, u32 or i32, rising; rows of ids that are not in [0, segments), which must stand
 * last, are left out.
 * @param segments Number of segments, from 0; one without rows is 0.
 * @param options `order`, where ids do not rise as they are.
 * @returns `[segments, ...]`, f32.
 * @throws {ShapeError} when there is not one id for each row.
 * @throws {DTypeError} when ids are not whole numbers or values are not f32.
 * @throws {RangeError} when ids that are constants do not rise.
 *
 * @example
 * ```ts
 * import { segmentSum, tensor } from "@millrace/millrace";
 * import assert from "node:assert/strict";
 *
 * const ids = tensor([0, 0, 2], { dtype: "u32" });
 * assert.deepEqual([...await segmentSum(tensor([1, 10, 100]), ids, 4).data()], [11, 0, 100, 0]);
 * ```
 *
 * JAX: `jax.ops.segment_sum(…, indices_are_sorted=True)`.
 */
export function segmentSum(
  values: Tensor,
  ids: Tensor,
  segments: number,
  options: SegmentOptions = {},
): Tensor {
  const inputs = segmentInputs("segmentSum", values, ids, segments, options);
  return Tensor.node(segmentSumOperation, inputs, { segments });
}

/**
 * The row of its segment for each id: `x[ids]`, whose gradient is a {@link segmentSum}.
 *
 * The values are those of {@link gather}; the gradient takes one pass over the rows, where that of
 * `gather` looks at all of them for each row of `x`.
 *
 * @param x `[segments, ...]`, f32.
 * @param ids `[n]`, u32 or i32, rising; a row out of range is NaN.
 * @param options `order`, where ids do not rise as they are.
 * @returns `[n, ...]`, f32.
 * @throws {ShapeError} when `x` has no axis, or ids have not one.
 * @throws {DTypeError} when ids are not whole numbers or `x` is not f32.
 *
 * @example
 * ```ts
 * import { segmentGather, tensor } from "@millrace/millrace";
 * import assert from "node:assert/strict";
 *
 * const ids = tensor([1, 0, 1], { dtype: "u32" });
 * const order = tensor([1, 0, 2], { dtype: "u32" });
 * assert.deepEqual([...await segmentGather(tensor([5, 7]), ids, { order }).data()], [7, 5, 7]);
 * ```
 */
export function segmentGather(x: Tensor, ids: Tensor, options: SegmentOptions = {}): Tensor {
  if (x.rank < 1) {
    throw new ShapeError(
      `Cannot apply segmentGather as x must have an axis of rows: received ${formatShape(x.shape)}`,
    );
  }
  const [, ...rest] = segmentInputs("segmentGather", ids, ids, x.shape[0], options);
  return Tensor.node(segmentGatherOperation, [x, ...rest], {});
}
