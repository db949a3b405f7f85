import type { Tensor } from "../graph/tensor.ts";
import { div } from "./div.ts";
import { ones } from "./eager.ts";
import { maximum } from "./maximum.ts";
import { type SegmentOptions, segmentSum } from "./segment.ts";

/**
 * The mean of rows by segment.
 *
 * @param values `[n, ...]`, f32.
 * @param ids `[n]`, u32 or i32, rising; rows of ids that are not in [0, segments), which must stand
 * last, are left out.
 * @param segments Number of segments, from 0; one without rows is 0.
 * @param options `order`, where ids do not rise as they are.
 * @returns `[segments, ...]`, f32.
 *
 * @example
 * ```ts
 * import { segmentMean, tensor } from "@millrace/millrace";
 * import assert from "node:assert/strict";
 *
 * const ids = tensor([0, 0, 2], { dtype: "u32" });
 * assert.deepEqual([...await segmentMean(tensor([1, 5, 4]), ids, 3).data()], [3, 0, 4]);
 * ```
 */
export function segmentMean(
  values: Tensor,
  ids: Tensor,
  segments: number,
  options: SegmentOptions = {},
): Tensor {
  const count = segmentSum(
    ones([ids.size, ...values.shape.slice(1).map(() => 1)]),
    ids,
    segments,
    options,
  );
  return div(segmentSum(values, ids, segments, options), maximum(count, 1));
}
