import type { StructuredOperation } from "../graph/operation.ts";
import { sizeOf } from "../graph/shape.ts";
import { Tensor } from "../graph/tensor.ts";
import { cast } from "./cast.ts";
import { div } from "./div.ts";
import { equal } from "./equal.ts";
import { maximum } from "./maximum.ts";
import { register } from "./registry.ts";
import {
  eachRow,
  inferSegments,
  segmentGather,
  segmentInputs,
  type SegmentOptions,
  segmentSum,
} from "./segment.ts";
import { select } from "./select.ts";

/** The op behind {@link segmentMax}: `[values, ids]` or `[values, ids, order]`. */
const segmentMaxOperation: StructuredOperation & { name: "segmentMax" } = register({
  kind: "structured",
  name: "segmentMax",
  infer: (inputs, attributes) => inferSegments("segmentMax", inputs, attributes),
  reference: (inputs, attributes, output) => {
    const begun = new Uint8Array(output.data.length);
    output.data.fill(attributes.empty as number);
    eachRow(inputs, output, (value, at) => {
      output.data[at] = begun[at] ? Math.max(output.data[at], value) : value;
      begun[at] = 1;
    });
  },
  work: ([values]) => ({ flops: sizeOf(values) }),
  vjp: (grad, node) => {
    const [values, ids, order] = node.inputs;
    const chosen = equal(values, segmentGather(node, ids, { order }));
    const count = segmentSum(cast(chosen, "f32"), ids, node.shape[0], { order });
    const share = segmentGather(div(grad, maximum(count, 1)), ids, { order });
    return [select(chosen, share, 0), null, null];
  },
});

/** Settings of {@link segmentMax}. */
export interface SegmentMaxOptions extends SegmentOptions {
  /** What a segment without rows becomes; default 0. */
  readonly empty?: number;
}

/**
 * The largest values by segment: row s of the result is the maximum of `values[i]` over all i with
 * `ids[i]` = s, an element at a time. Equal ones share the gradient.
 *
 * @param values `[n, ...]`, f32.
 * @param ids `[n]`, u32 or i32, rising; rows of ids that are not in [0, segments), which must stand
 * last, are left out.
 * @param segments Number of segments, from 0.
 * @param options `order`, where ids do not rise as they are; `empty`.
 * @returns `[segments, ...]`, f32.
 * @throws {ShapeError} when there is not one id for each row.
 * @throws {DTypeError} when ids are not whole numbers or values are not f32.
 * @throws {RangeError} when ids that are constants do not rise.
 *
 * @example
 * ```ts
 * import { segmentMax, tensor } from "@millrace/millrace";
 * import assert from "node:assert/strict";
 *
 * const ids = tensor([0, 0, 2], { dtype: "u32" });
 * assert.deepEqual([...await segmentMax(tensor([-5, -3, 2]), ids, 3).data()], [-3, 0, 2]);
 * ```
 *
 * TensorFlow: `tf.math.segment_max`, 0 where there is no row, too; JAX has −∞ there.
 */
export function segmentMax(
  values: Tensor,
  ids: Tensor,
  segments: number,
  options: SegmentMaxOptions = {},
): Tensor {
  const inputs = segmentInputs("segmentMax", values, ids, segments, options);
  const { empty = 0 } = options;
  // JSON has no NaN and infinities, and the value is part of the node's key.
  return Tensor.node(segmentMaxOperation, inputs, { segments, empty, text: String(empty) });
}
