import type { Tensor } from "../graph/tensor.ts";
import { div } from "./div.ts";
import { exp } from "./exp.ts";
import { segmentGather, type SegmentOptions, segmentSum } from "./segment.ts";
import { segmentMax } from "./segment_max.ts";
import { stopGradient } from "./stop_gradient.ts";
import { sub } from "./sub.ts";

/**
 * Softmax among the rows of each segment, an element of the row at a time: e^x over the sum of e^x
 * in the segment. The coefficients of attention over the edges that end in a node.
 *
 * @param x `[n, ...]`, f32.
 * @param ids `[n]`, u32 or i32, rising, in [0, segments).
 * @param segments Number of segments, from 0.
 * @param options `order`, where ids do not rise as they are.
 * @returns `[n, ...]`, f32; those of a segment add up to 1.
 *
 * @example
 * ```ts
 * import { segmentSoftmax, tensor } from "@millrace/millrace";
 * import assert from "node:assert/strict";
 *
 * const ids = tensor([0, 0, 2], { dtype: "u32" });
 * assert.deepEqual([...await segmentSoftmax(tensor([3, 3, -9]), ids, 3).data()], [0.5, 0.5, 1]);
 * ```
 */
export function segmentSoftmax(
  x: Tensor,
  ids: Tensor,
  segments: number,
  options: SegmentOptions = {},
): Tensor {
  // The maximum only keeps e^x in range: the result, and so its gradient, do not depend on it.
  const largest = stopGradient(segmentMax(x, ids, segments, options));
  const powers = exp(sub(x, segmentGather(largest, ids, options)));
  const totals = segmentSum(powers, ids, segments, options);
  return div(powers, segmentGather(totals, ids, options));
}
