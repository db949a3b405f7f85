import { select } from "../../../ops/select.ts";
import { sum } from "../../../ops/sum.ts";
import type { MergeLayer } from "../../merge_layer.ts";
import { globalPool, type GlobalPoolOptions } from "./global_pool.ts";

/**
 * The sum over the nodes of each graph: y = Σ over nodes of x.
 *
 * The inputs are `nodes` `[nodes, features]` and, where graphs are padded, `mask` `[nodes]`, 1 for
 * nodes and 0 for padding, as {@link graphDataSet} makes them.
 *
 * @param options Name.
 * @returns A layer of one input or two, that gives `[features]`.
 *
 * @example
 * ```ts
 * import { connect, functional, globalSumPool, input } from "@millrace/millrace";
 * import assert from "node:assert/strict";
 *
 * const nodes = input([9, 5]);
 * const mask = input([9]);
 * const model = functional({
 *   inputs: { nodes, mask },
 *   outputs: connect([nodes, mask], globalSumPool()),
 * });
 * assert.deepEqual(model.outputShape, [5]);
 * ```
 *
 * Source: K. Xu and others, "How Powerful are Graph Neural Networks?", 2019, section 5. Spektral:
 * `GlobalSumPool`, PyTorch Geometric: `global_add_pool`.
 */
export function globalSumPool(options: GlobalPoolOptions = {}): MergeLayer {
  return globalPool(
    "GlobalSumPool",
    options,
    (x, real) => sum(real ? select(real, x, 0) : x, 1),
  );
}
