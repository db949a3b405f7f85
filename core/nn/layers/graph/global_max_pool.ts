import { cast } from "../../../ops/cast.ts";
import { greater } from "../../../ops/greater.ts";
import { max } from "../../../ops/max.ts";
import { select } from "../../../ops/select.ts";
import type { MergeLayer } from "../../merge_layer.ts";
import { globalPool, type GlobalPoolOptions } from "./global_pool.ts";

/** The lowest float32: padding is never the largest. */
const lowest = -3.4028234663852886e38;

/**
 * The largest value of each feature over the nodes of each graph.
 *
 * The inputs are those of {@link globalSumPool}; padding does not count. A graph without nodes
 * becomes zeros. Equal values share the gradient.
 *
 * @param options Name.
 * @returns A layer of one input or two, that gives `[features]`.
 *
 * @example
 * ```ts
 * import { connect, functional, globalMaxPool, input } from "@millrace/millrace";
 * import assert from "node:assert/strict";
 *
 * const nodes = input([9, 5]);
 * const outputs = connect([nodes], globalMaxPool());
 * assert.deepEqual(functional({ inputs: { nodes }, outputs }).outputShape, [5]);
 * ```
 *
 * Source: the maximum of Hamilton and others' aggregators, over a whole graph. Spektral:
 * `GlobalMaxPool`, PyTorch Geometric: `global_max_pool`.
 */
export function globalMaxPool(options: GlobalPoolOptions = {}): MergeLayer {
  return globalPool("GlobalMaxPool", options, (x, real) => {
    if (!real) return max(x, 1);
    const some = greater(max(cast(real, "f32"), 1), 0);
    return select(some, max(select(real, x, lowest), 1), 0);
  });
}
