import type { Shape } from "../../../graph/shape.ts";
import { checkCount } from "../../check_count.ts";
import type { LoneMergeLayer } from "../../merge_layer.ts";
import { projectedAttention, type ProjectedAttentionOptions } from "./projected_attention.ts";
import type { AttentionOutputs } from "./unprojected_attention.ts";

/** Options of {@link multiHeadAttention}. */
export interface MultiHeadAttentionOptions extends ProjectedAttentionOptions {
  /** Numbers of a value in a head; default `keyDim`. */
  readonly valueDim?: number;
  /** Numbers that are given for a query, or their shape; default as many as a query has. */
  readonly outputShape?: number | Shape;
}

/**
 * Attention in several heads: queries, keys and values are projected for each head, which attends by
 * itself, and what all heads give is projected to the output.
 *
 * It takes one to four inputs, in Keras's order: the queries `[queries, features]`; the values
 * `[keys, features]`, by default the queries; the keys, by default the values; which keys each query
 * sees, `[queries, keys]`, 0 where it does not. Masks that go with keys and values hide padding. With
 * `ropeMaxWavelength` queries and keys are turned by their places, as by {@link rotaryEmbedding}.
 *
 * The weights are `query_kernel` `[features, numHeads, keyDim]`, `query_bias` `[numHeads, keyDim]`, of
 * `key` and `value` alike, `attention_output_kernel` `[numHeads, valueDim, outputs]` and its bias.
 *
 * @param numHeads Number of heads, from 1.
 * @param keyDim Numbers of a query and of a key in a head, from 1.
 * @param options Sizes, dropout, causality, rotary positions, whether scores are given, bias,
 * initializers, regularizers, constraints.
 * @returns A layer from `[queries, features]` and more to `[queries, outputs]`; with
 * `returnAttentionScores` one of several outputs, for {@link connect}.
 * @throws {RangeError} when a size is not a whole number from 1, or the rate is out of range.
 *
 * @example
 * ```ts
 * import { connect, functional, input, multiHeadAttention } from "@millrace/millrace";
 * import assert from "node:assert/strict";
 *
 * const text = input([7, 16]);
 * const picture = input([12, 20]);
 * const own = connect(text, multiHeadAttention(4, 4, { useCausalMask: true }));
 * const seen = connect([own, picture], multiHeadAttention(4, 8, { dropout: 0.1 }));
 * const model = functional({ inputs: { text, picture }, outputs: seen });
 * assert.deepEqual(model.outputShape, [7, 16]);
 * ```
 *
 * @example What each head has looked at
 * ```ts
 * import { connect, functional, input, multiHeadAttention } from "@millrace/millrace";
 * import assert from "node:assert/strict";
 *
 * const [text, picture] = [input([7, 16]), input([12, 20])];
 * const { outputs, attentionScores } = connect(
 *   [text, picture],
 *   multiHeadAttention(4, 8, { returnAttentionScores: true }),
 * );
 * const model = functional({ inputs: { text, picture }, outputs: { outputs, attentionScores } });
 * assert.deepEqual(model.outputShape, { outputs: [7, 16], attentionScores: [4, 7, 12] });
 * ```
 *
 * Source: A. Vaswani and others, "Attention is all you need", 2017. Keras: `MultiHeadAttention`, whose
 * `use_causal_mask`, `attention_mask` and `return_attention_scores` are arguments of a call; here a query that sees nothing gets
 * zeros. PyTorch: `nn.MultiheadAttention`, with the heads' kernels side by side and transposed.
 */
export function multiHeadAttention(
  numHeads: number,
  keyDim: number,
  options?: MultiHeadAttentionOptions & { readonly returnAttentionScores?: false },
): LoneMergeLayer;
/** As above, and the scores as an output of their own. */
export function multiHeadAttention(
  numHeads: number,
  keyDim: number,
  options: MultiHeadAttentionOptions & { readonly returnAttentionScores: true },
): LoneMergeLayer<AttentionOutputs>;
/** Either of both. */
export function multiHeadAttention(
  numHeads: number,
  keyDim: number,
  options?: MultiHeadAttentionOptions,
): LoneMergeLayer | LoneMergeLayer<AttentionOutputs>;
export function multiHeadAttention(
  numHeads: number,
  keyDim: number,
  options: MultiHeadAttentionOptions = {},
): LoneMergeLayer | LoneMergeLayer<AttentionOutputs> {
  const { valueDim = keyDim } = options;
  checkCount("the numHeads of multiHeadAttention", numHeads, 1);
  checkCount("the keyDim of multiHeadAttention", keyDim, 1);
  checkCount("the valueDim of multiHeadAttention", valueDim, 1);
  return projectedAttention(
    {
      type: "MultiHeadAttention",
      factory: "multiHeadAttention",
      config: { numHeads, keyDim, ...options },
    },
    { heads: numHeads, keyHeads: numHeads, keyDim, valueDim },
    options,
  );
}
