import { checkCount } from "../../check_count.ts";
import type { LoneMergeLayer } from "../../merge_layer.ts";
import { projectedAttention, type ProjectedAttentionOptions } from "./projected_attention.ts";
import type { AttentionOutputs } from "./unprojected_attention.ts";

/** Options of {@link groupedQueryAttention}. */
export type GroupedQueryAttentionOptions = ProjectedAttentionOptions;

/**
 * Attention in several heads, of which groups share their keys and values: fewer weights, and less to
 * keep of the steps before.
 *
 * Inputs, masks and weights are those of {@link multiHeadAttention}, with `numKeyValueHeads` in the
 * place of `numHeads` for keys and values. As many numbers are given as a query has.
 *
 * @param headDim Numbers of a query, a key and a value in a head, from 1.
 * @param numQueryHeads Heads of queries, from 1.
 * @param numKeyValueHeads Heads of keys and values, of which `numQueryHeads` is a multiple; with 1 this
 * is multi-query attention.
 * @param options Dropout, causality, rotary positions, whether scores are given, bias, initializers,
 * regularizers, constraints.
 * @returns A layer from `[queries, features]` and more to `[queries, features]`; with
 * `returnAttentionScores` one of several outputs, for {@link connect}.
 * @throws {RangeError} when a size is not a whole number from 1, or the heads do not divide.
 *
 * @example
 * ```ts
 * import { groupedQueryAttention, input, sequential } from "@millrace/millrace";
 * import assert from "node:assert/strict";
 *
 * const model = sequential([input([7, 16]), groupedQueryAttention(4, 8, 2)]);
 * assert.deepEqual(model.parameters[2].shape, [16, 2, 4]);
 * ```
 *
 * Source: J. Ainslie and others, "GQA", 2023. Keras: `GroupedQueryAttention`.
 */
export function groupedQueryAttention(
  headDim: number,
  numQueryHeads: number,
  numKeyValueHeads: number,
  options?: GroupedQueryAttentionOptions & { readonly returnAttentionScores?: false },
): LoneMergeLayer;
/** As above, and the scores as an output of their own. */
export function groupedQueryAttention(
  headDim: number,
  numQueryHeads: number,
  numKeyValueHeads: number,
  options: GroupedQueryAttentionOptions & { readonly returnAttentionScores: true },
): LoneMergeLayer<AttentionOutputs>;
/** Either of both. */
export function groupedQueryAttention(
  headDim: number,
  numQueryHeads: number,
  numKeyValueHeads: number,
  options?: GroupedQueryAttentionOptions,
): LoneMergeLayer | LoneMergeLayer<AttentionOutputs>;
export function groupedQueryAttention(
  headDim: number,
  numQueryHeads: number,
  numKeyValueHeads: number,
  options: GroupedQueryAttentionOptions = {},
): LoneMergeLayer | LoneMergeLayer<AttentionOutputs> {
  checkCount("the headDim of groupedQueryAttention", headDim, 1);
  checkCount("the numQueryHeads of groupedQueryAttention", numQueryHeads, 1);
  checkCount("the numKeyValueHeads of groupedQueryAttention", numKeyValueHeads, 1);
  if (numQueryHeads % numKeyValueHeads !== 0) {
    throw new RangeError(
      `Cannot make groupedQueryAttention as numQueryHeads must be a multiple of numKeyValueHeads: ` +
        `received ${numQueryHeads} and ${numKeyValueHeads}`,
    );
  }
  return projectedAttention(
    {
      type: "GroupedQueryAttention",
      factory: "groupedQueryAttention",
      config: { headDim, numQueryHeads, numKeyValueHeads, ...options },
    },
    { heads: numQueryHeads, keyHeads: numKeyValueHeads, keyDim: headDim, valueDim: headDim },
    options,
  );
}
