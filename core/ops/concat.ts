import { DTypeError, ShapeError } from "../graph/errors.ts";
import { literal } from "../graph/leaf.ts";
import type { CompositeOperation, ConcatOperation, ViewOperation } from "../graph/operation.ts";
import { contiguousStrides, formatShape, normalizeAxis, type Shape } from "../graph/shape.ts";
import { registerMethod, Tensor } from "../graph/tensor.ts";
import { forEachIndex, readAt } from "./indexing.ts";
import { register } from "./registry.ts";
import { broadcastTo } from "./sum.ts";

// Slice and concat stand in one file because each is the other's gradient.

const sliceOperation: ViewOperation = register({
  kind: "view",
  name: "slice",
  infer: ([x], attributes) => {
    const begin = attributes.begin as number[];
    return {
      shape: (attributes.end as number[]).map((end, axis) => end - begin[axis]),
      dtype: x.dtype,
    };
  },
  reference: ([x], attributes, output) => {
    const begin = attributes.begin as number[];
    readAt(x, output, (index) => index.map((value, axis) => value + begin[axis]));
  },
  vjp: (grad, node) => {
    const { begin } = node.attributes as { begin: number[] };
    return [Tensor.node(amidZerosOperation, [grad], { begin, shape: [...node.inputs[0].shape] })];
  },
});

/** The gradient of {@link slice}: `[x]` from `begin` on, in zeros of the given shape. */
const amidZerosOperation: CompositeOperation = register({
  kind: "composite",
  name: "amidZeros",
  infer: ([x], attributes) => ({ shape: attributes.shape as number[], dtype: x.dtype }),
  reference: ([x], attributes, output) => {
    const begin = attributes.begin as number[];
    const strides = contiguousStrides(output.shape);
    forEachIndex(x.shape, (index, position) => {
      const at = index.reduce((sum, value, axis) => sum + (value + begin[axis]) * strides[axis], 0);
      output.data[at] = x.data[position];
    });
  },
  expand: ([x], attributes) => {
    const { begin, shape } = attributes as { begin: number[]; shape: number[] };
    return shape.reduce((value, size, axis) => {
      const after = size - begin[axis] - value.shape[axis];
      return concat([zeros(value, axis, begin[axis]), value, zeros(value, axis, after)], axis);
    }, x);
  },
  vjp: (grad, node) => {
    const begin = node.attributes.begin as number[];
    const end = begin.map((from, axis) => from + node.inputs[0].shape[axis]);
    return [slice(grad, begin, end)];
  },
});

/** What a part of a tensor is, along the one axis that it does not have whole. */
export interface Piece {
  readonly value: Tensor;
  readonly axis: number;
  readonly begin: number;
}

/** The piece that a gradient of {@link slice} has amid zeros; undefined of others, or of two axes. */
export function pieceOf(
  { operation, inputs: [value], attributes, shape }: Tensor,
): Piece | undefined {
  if (operation !== amidZerosOperation) return undefined;
  const axes = shape.flatMap((size, axis) => size === value.shape[axis] ? [] : [axis]);
  if (axes.length !== 1) return undefined;
  const [axis] = axes;
  return { value, axis, begin: (attributes.begin as number[])[axis] };
}

/** Pieces that do not overlap, in their order along an axis of so many elements, with zeros between. */
export function laidAmidZeros(pieces: readonly Piece[], size: number): Tensor {
  const [{ value: like, axis }] = pieces;
  let end = 0;
  const laid = pieces.flatMap(({ value, begin }) => {
    const gap = zeros(like, axis, begin - end);
    end = begin + value.shape[axis];
    return [gap, value];
  });
  return concat([...laid, zeros(like, axis, size - end)], axis);
}

/** Zeros of the type and shape of `like`, but of `size` along `axis`. */
function zeros(like: Tensor, axis: number, size: number): Tensor {
  return broadcastTo(literal(0, like.dtype), like.shape.with(axis, size));
}

const concatOperation: ConcatOperation = register({
  kind: "concat",
  name: "concat",
  infer: (inputs, attributes) => {
    const axis = attributes.axis as number;
    const size = inputs.reduce((total, input) => total + input.shape[axis], 0);
    return { shape: inputs[0].shape.with(axis, size), dtype: inputs[0].dtype };
  },
  reference: (inputs, attributes, output) => {
    const axis = attributes.axis as number;
    const strides = contiguousStrides(output.shape);
    let start = 0;
    for (const input of inputs) {
      forEachIndex(input.shape, (index, position) => {
        const at = index.reduce((sum, value, place) => sum + value * strides[place], 0);
        output.data[at + start * strides[axis]] = input.data[position];
      });
      start += input.shape[axis];
    }
  },
  vjp: (grad, node) => {
    const axis = node.attributes.axis as number;
    let start = 0;
    return node.inputs.map((input) => {
      const begin = grad.shape.map((_, place) => place === axis ? start : 0);
      start += input.shape[axis];
      return slice(grad, begin, grad.shape.with(axis, start));
    });
  },
});

/**
 * The part of `x` from `begin` (inclusive) to `end` (exclusive) along each axis.
 *
 * @param x Any shape and type.
 * @param begin First index along each axis, counted from the end when negative; axes left out are
 *   taken whole.
 * @param end Index after the last along each axis, likewise.
 * @returns Shape `end − begin`.
 * @throws {ShapeError} when a bound is out of range, or an end lies before its begin.
 *
 * @example
 * ```ts
 * import { slice, tensor } from "@millrace/millrace";
 * import assert from "node:assert/strict";
 *
 * const x = tensor([[1, 2, 3], [4, 5, 6]]);
 * assert.deepEqual([...await slice(x, [0, 1], [2, 3]).data()], [2, 3, 5, 6]);
 * ```
 */
export function slice(x: Tensor, begin: Shape, end: Shape): Tensor {
  const bounds = (given: Shape, whole: (size: number) => number) =>
    x.shape.map((size, axis) => {
      const value = given[axis] ?? whole(size);
      return value < 0 ? value + size : value;
    });
  const from = bounds(begin, () => 0);
  const to = bounds(end, (size) => size);
  const fits = x.shape.every((size, axis) =>
    Number.isInteger(from[axis]) && Number.isInteger(to[axis]) &&
    0 <= from[axis] && from[axis] <= to[axis] && to[axis] <= size
  );
  if (!fits || begin.length > x.rank || end.length > x.rank) {
    throw new ShapeError(
      `Cannot apply slice as bounds must be whole numbers with 0 ≤ begin ≤ end ≤ size: received ` +
        `${formatShape(begin)} to ${formatShape(end)} of ${formatShape(x.shape)}`,
    );
  }
  if (x.shape.every((size, axis) => from[axis] === 0 && to[axis] === size)) return x;
  return Tensor.node(sliceOperation, [x], { begin: from, end: to });
}
registerMethod("slice", slice);

/**
 * Tensors laid one behind the other along `axis`.
 *
 * @param tensors One or more, of one type and of equal sizes but along `axis`.
 * @param axis Axis along which they are laid; default 0.
 * @returns The shape of the inputs, with their sizes along `axis` added up.
 * @throws {ShapeError} when there is none, or other sizes differ.
 * @throws {DTypeError} when types differ or are u8.
 *
 * @example
 * ```ts
 * import { concat, tensor } from "@millrace/millrace";
 * import assert from "node:assert/strict";
 *
 * assert.deepEqual([...await concat([tensor([1, 2]), tensor([3])]).data()], [1, 2, 3]);
 * ```
 */
export function concat(tensors: readonly Tensor[], axis = 0): Tensor {
  if (tensors.length === 0) {
    throw new ShapeError("Cannot apply concat as it needs at least one tensor: received none");
  }
  const [first] = tensors;
  const along = normalizeAxis("concat", axis, first.rank);
  const fits = (tensor: Tensor) =>
    tensor.rank === first.rank &&
    tensor.shape.every((size, place) => place === along || size === first.shape[place]);
  if (!tensors.every(fits)) {
    throw new ShapeError(
      `Cannot apply concat along axis ${along} as the other sizes must be equal: ` +
        `received ${tensors.map((tensor) => formatShape(tensor.shape)).join(", ")}`,
    );
  }
  if (first.dtype === "u8" || tensors.some((tensor) => tensor.dtype !== first.dtype)) {
    throw new DTypeError(
      `Cannot apply concat as its inputs must be of one type other than u8: ` +
        `received ${tensors.map((tensor) => tensor.dtype).join(", ")} (convert with cast)`,
    );
  }
  const filled = tensors.filter((tensor) => tensor.shape[along] > 0);
  if (filled.length < 2) return filled[0] ?? first;
  return Tensor.node(concatOperation, filled, { axis: along });
}
registerMethod("concat", concat);
