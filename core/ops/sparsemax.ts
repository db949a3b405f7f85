import { normalizeAxes } from "../graph/shape.ts";
import type { Tensor } from "../graph/tensor.ts";
import { add } from "./add.ts";
import { cast } from "./cast.ts";
import { div } from "./div.ts";
import { expandDims } from "./expand_dims.ts";
import { greater } from "./greater.ts";
import { greaterEqual } from "./greater_equal.ts";
import { max } from "./max.ts";
import { mul } from "./mul.ts";
import { stopGradient } from "./stop_gradient.ts";
import { sub } from "./sub.ts";
import { sum } from "./sum.ts";

/**
 * The nearest probabilities to `x`: like softmax, but small ones are exactly 0.
 *
 * max(x − τ, 0), with τ such that the sum along the axis is 1. Which elements are above τ is found by
 * comparing each with each, in time and memory that grow with the square of the axis's size: for tens
 * or hundreds of classes.
 *
 * @param x Any shape of one axis or more, f32.
 * @param axis The axis whose elements add up to 1; default the last.
 * @returns The shape of `x`, f32, from 0 to 1.
 * @throws {ShapeError} when the axis is out of range.
 *
 * @example
 * ```ts
 * import { sparsemax, tensor } from "@millrace/millrace";
 * import assert from "node:assert/strict";
 *
 * const [low, high, none] = await sparsemax(tensor([1, 1.5, -3])).data();
 * assert.ok(low === 0.25 && high === 0.75 && none + 0 === 0);
 * ```
 *
 * Source: A. Martins, R. Astudillo, "From softmax to sparsemax", 2016; Keras's `sparsemax`, whose
 * results (3.15) do not add up to 1: ours are the paper's. PyTorch has none.
 */
export function sparsemax(x: Tensor, axis = -1): Tensor {
  const [normal] = normalizeAxes("sparsemax", axis, x.rank);
  // The result does not change with a number added to all, and small sums round less.
  const z = sub(x, stopGradient(max(x, normal, { keepDims: true })));
  // Along `normal` the elements, along the axis behind it those they are compared with.
  const [each, other] = [expandDims(z, normal + 1), expandDims(z, normal)];
  const ahead = cast(greaterEqual(other, each), "f32");
  const count = sum(ahead, normal + 1);
  const total = sum(mul(ahead, other), normal + 1);
  const inside = cast(greater(add(mul(count, z), 1), total), "f32");
  const kept = sum(mul(inside, z), normal, { keepDims: true });
  const threshold = div(sub(kept, 1), sum(inside, normal, { keepDims: true }));
  return mul(sub(z, threshold), inside);
}
