import { cast } from "../../../ops/cast.ts";
import { div } from "../../../ops/div.ts";
import { maximum } from "../../../ops/maximum.ts";
import { select } from "../../../ops/select.ts";
import { mean, sum } from "../../../ops/sum.ts";
import type { MergeLayer } from "../../merge_layer.ts";
import { globalPool, type GlobalPoolOptions } from "./global_pool.ts";

/**
 * The mean over the nodes of each graph: y = Σ over nodes of x / nodes.
 *
 * The inputs are those of {@link globalSumPool}; padding does not count. A graph without nodes
 * becomes zeros.
 *
 * @param options Name.
 * @returns A layer of one input or two, that gives `[features]`.
 *
 * @example
 * ```ts
 * import { connect, functional, globalAveragePool, input } from "@millrace/millrace";
 * import assert from "node:assert/strict";
 *
 * const nodes = input([9, 5]);
 * const outputs = connect([nodes], globalAveragePool());
 * assert.deepEqual(functional({ inputs: { nodes }, outputs }).outputShape, [5]);
 * ```
 *
 * Source: D. Duvenaud and others, "Convolutional Networks on Graphs for Learning Molecular
 * Fingerprints", 2015, with the mean for the sum. Spektral: `GlobalAvgPool`, PyTorch Geometric:
 * `global_mean_pool`.
 */
export function globalAveragePool(options: GlobalPoolOptions = {}): MergeLayer {
  return globalPool("GlobalAveragePool", options, (x, real) => {
    if (!real) return mean(x, 1);
    return div(sum(select(real, x, 0), 1), maximum(sum(cast(real, "f32"), 1), 1));
  });
}
