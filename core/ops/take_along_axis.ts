import { DTypeError, ShapeError } from "../graph/errors.ts";
import { iota } from "../graph/leaf.ts";
import type { CompositeOperation } from "../graph/operation.ts";
import { formatShape, normalizeAxis, sizeOf } from "../graph/shape.ts";
import { commonDType, Tensor } from "../graph/tensor.ts";
import { add } from "./add.ts";
import { positions } from "./arg_max.ts";
import { cast } from "./cast.ts";
import { equal } from "./equal.ts";
import { expandDims } from "./expand_dims.ts";
import { gather } from "./gather.ts";
import { less } from "./less.ts";
import { mul } from "./mul.ts";
import { register } from "./registry.ts";
import { reshape } from "./reshape.ts";
import { select } from "./select.ts";
import { sum } from "./sum.ts";

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
  // Along the axis the places that are asked for, along the one behind it those that there are.
  vjp: (grad, node) => {
    const [x, indices] = node.inputs;
    const axis = node.attributes.axis as number;
    const isThere = equal(
      expandDims(indices, axis + 1),
      expandDims(positions(x, axis, indices.dtype as "u32" | "i32"), axis),
    );
    return [sum(select(isThere, expandDims(grad, axis + 1), 0), axis), null];
  },
});

/**
 * The elements of each line along an axis that stand at places of the line's own: with
 * {@link argsort}'s or {@link topK}'s indices, what stands where the largest are.
 *
 * The elements are read where they stand. The gradient, which adds up what goes back to an element,
 * compares each place with each of the axis: it is for some places of some hundreds.
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
