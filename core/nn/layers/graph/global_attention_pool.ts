import { add } from "../../../ops/add.ts";
import { matmul } from "../../../ops/matmul.ts";
import { mul } from "../../../ops/mul.ts";
import { reshape } from "../../../ops/reshape.ts";
import { select } from "../../../ops/select.ts";
import { softmax } from "../../../ops/softmax.ts";
import { sum } from "../../../ops/sum.ts";
import type { Initializer } from "../../initializer.ts";
import type { InitializerName } from "../../initializers/by_name.ts";
import type { MergeLayer } from "../../merge_layer.ts";
import { weight } from "../weighted.ts";
import type { GraphLayerOptions } from "./edges.ts";
import { nodeRows } from "./edges.ts";
import { pooledFeatures, realNodes } from "./global_pool.ts";

/** Options of {@link globalAttentionPool}. */
export interface GlobalAttentionPoolOptions extends GraphLayerOptions {
  /** How the kernel starts; default `glorotUniform`. */
  readonly kernelInitializer?: InitializerName | Initializer;
}

/** A logit whose power is 0 beside any other, and that is still finite. */
const out = -1e30;

/**
 * The sum over the nodes of each graph, weighed by attention: y = Σ over nodes of α · x, where
 * α = softmax over nodes of (x · kernel + bias).
 *
 * The inputs are those of {@link globalSumPool}; padding has no weight. A graph without nodes becomes
 * zeros. The weights are `kernel` `[features, 1]` and `bias` `[1]`.
 *
 * @param options Initializer, name.
 * @returns A layer of one input or two, that gives `[features]`.
 *
 * @example
 * ```ts
 * import { connect, functional, globalAttentionPool, input } from "@millrace/millrace";
 * import assert from "node:assert/strict";
 *
 * const nodes = input([9, 5]);
 * const outputs = connect([nodes], globalAttentionPool());
 * assert.deepEqual(functional({ inputs: { nodes }, outputs }).outputShape, [5]);
 * ```
 *
 * Source: Y. Li and others, "Gated Graph Sequence Neural Networks", 2016, equation 7, with a softmax
 * for the sigmoid and no network on the values. PyTorch Geometric: `AttentionalAggregation` with a
 * linear gate.
 */
export function globalAttentionPool(options: GlobalAttentionPoolOptions = {}): MergeLayer {
  const makeKernel = weight("kernel", {
    initializer: options.kernelInitializer ?? "glorotUniform",
  });
  const makeBias = weight("bias", { initializer: "zeros" });
  return {
    merges: true,
    type: "GlobalAttentionPool",
    config: { ...options },
    name: options.name ?? "",
    trainable: options.trainable,
    init(shapes, key) {
      const features = pooledFeatures(shapes);
      return {
        outputShape: [features],
        parameters: [makeKernel([features, 1], key), makeBias([1], key)],
      };
    },
    apply({ kernel, bias }, [x, mask]) {
      pooledFeatures((mask ? [x, mask] : [x]).map(({ shape }) => shape.slice(1)));
      const [batch, nodes] = x.shape;
      const logits = reshape(add(matmul(nodeRows(x), kernel), bias), [batch, nodes, 1]);
      const real = realNodes(x, mask);
      const shares = softmax(real ? select(real, logits, out) : logits, 1);
      return sum(mul(real ? select(real, shares, 0) : shares, x), 1);
    },
  };
}
