import { normalizeAxes } from "../graph/shape.ts";
import type { Tensor } from "../graph/tensor.ts";
import { add } from "./add.ts";
import { positions } from "./arg_max.ts";
import { cast } from "./cast.ts";
import { cumsum } from "./cumsum.ts";
import { div } from "./div.ts";
import { greater } from "./greater.ts";
import { greaterEqual } from "./greater_equal.ts";
import { max, min } from "./max.ts";
import { mul } from "./mul.ts";
import { select } from "./select.ts";
import { sort } from "./sort.ts";
import { stopGradient } from "./stop_gradient.ts";
import { sub } from "./sub.ts";
import { sum } from "./sum.ts";

/**
 * The nearest probabilities to `x`: like softmax, but small ones are exactly 0.
 *
 * max(x − τ, 0), with τ such that the sum along the axis is 1. Which elements are above τ is found by
 * sorting them.
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
  const sorted = sort(stopGradient(z), normal, { descending: true });
  const places = add(positions(z, normal), 1);
  const isAbove = greater(add(mul(cast(places, "f32"), sorted), 1), cumsum(sorted, normal));
  // None is larger than 0: the least of those above is the least of these.
  const least = min(select(isAbove, sorted, 0), normal, { keepDims: true });
  const inside = greaterEqual(z, least);
  const kept = sum(select(inside, z, 0), normal, { keepDims: true });
  const count = sum(cast(inside, "f32"), normal, { keepDims: true });
  return select(inside, sub(z, div(sub(kept, 1), count)), 0);
}
