import { mul } from "../../../ops/mul.ts";
import { sum } from "../../../ops/sum.ts";
import { tanh } from "../../../ops/tanh.ts";
import type { LoneMergeLayer } from "../../merge_layer.ts";
import { weight } from "../weighted.ts";
import { summedPairs } from "./summed_pairs.ts";
import {
  type AttentionOutputs,
  unprojectedAttention,
  type UnprojectedAttentionOptions,
} from "./unprojected_attention.ts";

/** Options of {@link additiveAttention}. */
export interface AdditiveAttentionOptions extends UnprojectedAttentionOptions {
  /** Whether a number for each feature, which learns, multiplies them in the scores; default true. */
  readonly useScale?: boolean;
}

/**
 * Attention by sums: y[i] = Σⱼ wᵢⱼ value[j], w = softmax over j of Σ s · tanh(query[i] + key[j]).
 *
 * It takes one to three inputs, as {@link attention}. With `useScale` s is a weight, `scale`
 * `[features]`; else it is 1. The sums of all pairs, `[queries, keys, features]`, are computed as they
 * are needed; the scores `[queries, keys]` are in memory.
 *
 * @param options Scale, dropout, causality, whether scores are given, name.
 * @returns A layer from `[queries, features]` and more to `[queries, outputs]`; with
 * `returnAttentionScores` one of several outputs, for {@link connect}.
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
export function additiveAttention(
  options?: AdditiveAttentionOptions & { readonly returnAttentionScores?: false },
): LoneMergeLayer;
/** As above, and the scores as an output of their own. */
export function additiveAttention(
  options: AdditiveAttentionOptions & { readonly returnAttentionScores: true },
): LoneMergeLayer<AttentionOutputs>;
/** Either of both. */
export function additiveAttention(
  options?: AdditiveAttentionOptions,
): LoneMergeLayer | LoneMergeLayer<AttentionOutputs>;
export function additiveAttention(
  options: AdditiveAttentionOptions = {},
): LoneMergeLayer | LoneMergeLayer<AttentionOutputs> {
  const { useScale = true } = options;
  const makeScale = weight("scale", { initializer: "glorotUniform" });
  return unprojectedAttention(options, {
    type: "AdditiveAttention",
    factory: "additiveAttention",
    parameters: (features, key) => useScale ? [makeScale([features], key)] : [],
    scores({ scale }, query, keys) {
      const pairs = tanh(summedPairs(query, keys));
      return sum(scale ? mul(pairs, scale) : pairs, -1);
    },
  });
}
