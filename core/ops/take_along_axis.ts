import { DTypeError, ShapeError } from "../graph/errors.ts";
import { iota } from "../graph/leaf.ts";
import type { CompositeOperation } from "../graph/operation.ts";
import { formatShape, normalizeAxis, sizeOf } from "../graph/shape.ts";
import { commonDType, Tensor } from "../graph/tensor.ts";
import { add } from "./add.ts";
import { positions } from "./arg_max.ts";
import { cast } from "./cast.ts";
import { slice } from "./concat.ts";
import { equal } from "./equal.ts";
import { expandDims } from "./expand_dims.ts";
import { gather } from "./gather.ts";
import { less } from "./less.ts";
import { minimum } from "./minimum.ts";
import { mul } from "./mul.ts";
import { register } from "./registry.ts";
import { reshape } from "./reshape.ts";
import { segmentSum } from "./segment.ts";
import { select } from "./select.ts";
import { sortedLines } from "./sorted_runs.ts";
import { sum } from "./sum.ts";
import { transpose } from "./transpose.ts";

/** The op behind {@link takeAlongAxis}: `[x, indices]`. */
const takeAlongAxisOperation: CompositeOperation = register({
  kind: "composite",
  name: "takeAlongAxis",
  infer: ([x, indices]) => ({
    shape: indices.shape,
    dtype: commonDType("takeAlongAxis", [x], ["f32", "i32", "u32"]),
  }),
  reference: ([x, indices], attributes, output) => {
    const axis = attributes.axis as number;
    const [inner, size] = [sizeOf(x.shape.slice(axis + 1)), x.shape[axis]];
    const block = inner * indices.shape[axis];
    indices.data.forEach((index, at) => {
      const before = Math.floor(at / block) * inner * size + at % inner;
      output.data[at] = index >= 0 && index < size ? x.data[before + index * inner] : 0;
    });
  },
  expand: ([x, indices], attributes) => {
    const axis = attributes.axis as number;
    // As u32 a negative index is a large one, so that one comparison finds both ends.
    const known = less(cast(indices, "u32"), x.shape[axis]);
    const picked = gather(reshape(x, [x.size]), flatPlaces(x, indices, axis));
    return select(known, picked, 0);
  },
  vjp: (grad, node) => {
    const [x, indices] = node.inputs;
    const axis = node.attributes.axis as number;
    const [size, count] = [x.shape[axis], indices.shape[axis]];
    const isCompared = size <= shortAxis || count <= fewPlaces || size >= mostSorted;
    return [(isCompared ? addCompared : addSorted)(grad, indices, axis, x), null];
  },
});

// Sizes of an axis, and numbers of places, up to which comparing takes no longer than sorting.
const shortAxis = 1024;
const fewPlaces = 16;
/** From here on float32, in which places are sorted, does not tell whole numbers apart. */
const mostSorted = 2 ** 24;

/** What comes back to each element of `x`: each place is compared with each of the axis. */
function addCompared(grad: Tensor, indices: Tensor, axis: number, x: Tensor): Tensor {
  // Along the axis the places that are asked for, along the one behind it those that there are.
  const isThere = equal(
    expandDims(indices, axis + 1),
    expandDims(positions(x, axis, indices.dtype as "u32" | "i32"), axis),
  );
  return sum(select(isThere, expandDims(grad, axis + 1), 0), axis);
}

/** The same, with each line's places in order, so that those of an element follow each other. */
function addSorted(grad: Tensor, indices: Tensor, axis: number, x: Tensor): Tensor {
  const axes = x.shape.map((_, at) => at);
  const last = [...axes.toSpliced(axis, 1), axis];
  const [size, count] = [x.shape[axis], indices.shape[axis]];
  const lines = indices.size / count;
  // Those out of range, as u32 a negative one, too, are a line's last segment, which is left out.
  const places = reshape(transpose(minimum(cast(indices, "u32"), size), last), [lines, count]);
  const { order } = sortedLines(cast(places, "f32"), false);
  const line = iota([lines, 1], 0);
  const sums = segmentSum(
    reshape(transpose(grad, last), [indices.size]),
    reshape(add(places, mul(line, size + 1)), [indices.size]),
    lines * (size + 1),
    { order: reshape(add(order, mul(line, count)), [indices.size]) },
  );
  const known = slice(reshape(sums, [lines, size + 1]), [0, 0], [lines, size]);
  return transpose(
    reshape(known, last.map((at) => x.shape[at])),
    axes.map((at) => last.indexOf(at)),
  );
}

/**
 * The elements of each line along an axis that stand at places of the line's own: with
 * {@link argsort}'s or {@link topK}'s indices, what stands where the largest are.
 *
 * The elements are read where they stand. The gradient adds up what goes back to an element in the
 * order of the places, the same bits at every run; many places of a long axis are sorted for it.
 *
 * @param x Rank 1 or more, f32, i32 or u32.
 * @param indices Places, u32 or i32 from 0, of the shape of `x` but for the axis; elsewhere is 0.
 * @param axis The axis; default the last.
 * @returns The shape of `indices`, of the type of `x`.
 * @throws {ShapeError} when the shapes differ beside the axis.
 * @throws {DTypeError} when indices are not whole numbers.
 *
 * @example
 * ```ts
 * import { takeAlongAxis, tensor } from "@millrace/millrace";
 * import assert from "node:assert/strict";
 *
 * const labels = tensor([[2], [0]], { dtype: "u32" });
 * const picked = takeAlongAxis(tensor([[1, 2, 3], [4, 5, 6]]), labels);
 * assert.deepEqual([...await picked.data()], [3, 4]);
 * ```
 *
 * NumPy, Keras: `take_along_axis`. PyTorch: `gather`.
 */
export function takeAlongAxis(x: Tensor, indices: Tensor, axis = -1): Tensor {
  const along = normalizeAxis("takeAlongAxis", axis, x.rank);
  if (indices.dtype !== "u32" && indices.dtype !== "i32") {
    throw new DTypeError(
      `Cannot apply takeAlongAxis as indices must be u32 or i32: received ${indices.dtype}`,
    );
  }
  const fits = indices.rank === x.rank &&
    x.shape.every((size, place) => place === along || size === indices.shape[place]);
  if (!fits) {
    throw new ShapeError(
      `Cannot apply takeAlongAxis along axis ${along} as the other sizes must be equal: received ` +
        `${formatShape(x.shape)} and indices ${formatShape(indices.shape)}`,
    );
  }
  return Tensor.node(takeAlongAxisOperation, [x, indices], { axis: along });
}

/** Where in `x`, row by row, the elements stand that are asked for. */
function flatPlaces(x: Tensor, indices: Tensor, axis: number): Tensor {
  const along = cast(indices, "u32");
  return x.shape
    .map((_, place) => {
      const stride = sizeOf(x.shape.slice(place + 1));
      return mul(place === axis ? along : iota(indices.shape, place), stride);
    })
    .reduce((sum, part) => add(sum, part));
}
