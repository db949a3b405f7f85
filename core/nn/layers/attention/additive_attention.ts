import { iota } from "../../../graph/leaf.ts";
import { ShapeError } from "../../../graph/errors.ts";
import { formatShape } from "../../../graph/shape.ts";
import type { Tensor } from "../../../graph/tensor.ts";
import { add } from "../../../ops/add.ts";
import { expandDims } from "../../../ops/expand_dims.ts";
import { lessEqual } from "../../../ops/less_equal.ts";
import { logicalAnd } from "../../../ops/logical.ts";
import { matmul } from "../../../ops/matmul.ts";
import { mul } from "../../../ops/mul.ts";
import { select } from "../../../ops/select.ts";
import { softmax } from "../../../ops/softmax.ts";
import { broadcastTo, sum } from "../../../ops/sum.ts";
import { tanh } from "../../../ops/tanh.ts";
import type { ApplyContext } from "../../layer.ts";
import type { LoneMergeLayer } from "../../merge_layer.ts";
import { namedKey } from "../../named_key.ts";
import { checkScalarSource } from "../../scalar.ts";
import { dropped, rates } from "../regularization/noise.ts";
import { weight } from "../weighted.ts";
import type { AttentionLayerOptions } from "./attention.ts";

/** Options of {@link additiveAttention}. */
export interface AdditiveAttentionOptions extends AttentionLayerOptions {
  /** Whether a number for each feature, which learns, multiplies them in the scores; default true. */
  readonly useScale?: boolean;
}

/** What hidden keys' scores are less by; the softmax of it is 0, of them alone an even share. */
const hidden = -1e9;

/**
 * Attention by sums: y[i] = Σⱼ wᵢⱼ value[j], w = softmax over j of Σ s · tanh(query[i] + key[j]).
 *
 * It takes one to three inputs, as {@link attention}. With `useScale` s is a weight, `scale`
 * `[features]`; else it is 1. The sums of all pairs, `[queries, keys, features]`, are computed as they
 * are needed; the scores `[queries, keys]` are in memory.
 *
 * @param options Scale, dropout, causality, name.
 * @returns A layer from `[queries, features]` and more to `[queries, outputs]`.
 * @throws {RangeError} when the rate is out of range.
 *
 * @example
 * ```ts
 * import { additiveAttention, connect, functional, input } from "@millrace/millrace";
 * import assert from "node:assert/strict";
 *
 * const query = input([7, 16]);
 * const value = input([12, 16]);
 * const outputs = connect([query, value], additiveAttention());
 * assert.deepEqual(functional({ inputs: { query, value }, outputs }).outputShape, [7, 16]);
 * ```
 *
 * Source: D. Bahdanau and others, "Neural machine translation by jointly learning to align and
 * translate", 2014. Keras: `AdditiveAttention`.
 */
export function additiveAttention(options: AdditiveAttentionOptions = {}): LoneMergeLayer {
  const { useScale = true, useCausalMask = false, name = "", trainable } = options;
  checkScalarSource("the dropout of additiveAttention", options.dropout ?? 0, rates);
  const makeScale = weight("scale", { initializer: "glorotUniform" });
  return {
    merges: true,
    alone: true,
    type: "AdditiveAttention",
    name,
    trainable,
    config: { ...options },
    init(shapes, key) {
      const [query, value = query, keys = value] = shapes;
      const flat = shapes.length <= 3 && shapes.every(({ length }) => length === 2);
      if (!flat || keys[0] !== value[0] || keys[1] !== query[1]) {
        throw new ShapeError(
          "expected queries [queries, features], values [keys, outputs] and keys [keys, features], " +
            `all but the first of which may be left out, got ${shapes.map(formatShape).join(", ")}`,
        );
      }
      return {
        outputShape: [query[0], value[1]],
        parameters: useScale ? [makeScale([query[1]], key)] : [],
      };
    },
    apply({ scale }, inputs, context) {
      const [query, value = query, keys = value] = inputs;
      const pairs = tanh(add(expandDims(query, 2), expandDims(keys, 1)));
      const scores = sum(scale ? mul(pairs, scale) : pairs, -1);
      const { masks } = context;
      const seen = [inputs.length > 1 ? masks[1] : masks[0], masks[2]]
        .flatMap((mask) => mask ? [broadcastTo(expandDims(mask, 1), scores.shape)] : []);
      if (useCausalMask) seen.push(lessEqual(iota(scores.shape, 2), iota(scores.shape, 1)));
      const visible = seen.length === 0
        ? scores
        : select(seen.reduce((all, mask) => logicalAnd(all, mask)), scores, hidden);
      return matmul(thinned(softmax(visible), options, context), value);
    },
    computeMask: (_inputs, [mask]) => mask,
  };
}

/** Weights after dropout. */
function thinned(
  weights: Tensor,
  { dropout = 0, seed }: AdditiveAttentionOptions,
  context: ApplyContext,
): Tensor {
  if (!context.training || dropout === 0) return weights;
  const rate = context.scalar(dropout, "rate", rates);
  const key = seed === undefined ? context.randomKey("mask") : namedKey(seed, "attention");
  return dropped(weights, weights.shape, rate, key, context.counter);
}
