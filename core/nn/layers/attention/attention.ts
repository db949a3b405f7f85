import { expandDims, squeeze } from "../../../ops/expand_dims.ts";
import { matmul } from "../../../ops/matmul.ts";
import { mul } from "../../../ops/mul.ts";
import { sum } from "../../../ops/sum.ts";
import { tanh } from "../../../ops/tanh.ts";
import { transpose } from "../../../ops/transpose.ts";
import type { LoneMergeLayer } from "../../merge_layer.ts";
import { weight } from "../weighted.ts";
import { attend } from "./attend.ts";
import { summedPairs } from "./summed_pairs.ts";
import {
  type AttentionOutputs,
  type OwnAttention,
  unprojectedAttention,
  type UnprojectedAttentionOptions,
} from "./unprojected_attention.ts";

/** How queries are compared with keys. */
export type ScoreMode = "dot" | "concat";

/** Options of {@link attention}. */
export interface AttentionLayerOptions extends UnprojectedAttentionOptions {
  /** Whether a number that learns multiplies the scores, or the sums of `concat`; default false. */
  readonly useScale?: boolean;
  /** How queries are compared with keys: by products (`dot`, default), or by sums (`concat`). */
  readonly scoreMode?: ScoreMode;
}

/**
 * Attention without projections: y[i] = Σⱼ wᵢⱼ value[j], w = softmax over j of s · query[i] · key[j].
 *
 * It takes one to three inputs: the queries `[queries, features]`; the values `[keys, outputs]`, by
 * default the queries; the keys `[keys, features]`, by default the values. Masks that go with values
 * and keys hide padding; a query that sees nothing gets zeros, and takes nothing of any value (Keras: an
 * even share of all, hidden ones too). With `useScale` s is a weight, `scale` `[1]`, which begins at 1; else it is 1.
 * With `scoreMode: "concat"` w = softmax over j of v Σ tanh(s · (query[i] + key[j])), where v is a
 * weight, `concat_score_weight` `[1]`, which begins at 1; the scores `[queries, keys]` are then in memory.
 *
 * @param options Scale, how to compare, dropout, causality, whether scores are given, name.
 * @returns A layer from `[queries, features]` and more to `[queries, outputs]`; with
 * `returnAttentionScores` one of several outputs, for {@link connect}.
 * @throws {RangeError} when the rate is out of range, or `scoreMode` is not known.
 *
 * @example
 * ```ts
 * import { attention, connect, functional, input } from "@millrace/millrace";
 * import assert from "node:assert/strict";
 *
 * const query = input([7, 16]);
 * const value = input([12, 16]);
 * const model = functional({
 *   inputs: { query, value },
 *   outputs: connect([query, value], attention({ useScale: true })),
 * });
 * assert.deepEqual(model.outputShape, [7, 16]);
 * ```
 *
 * @example What each query has looked at
 * ```ts
 * import { attention, connect, functional, input } from "@millrace/millrace";
 * import assert from "node:assert/strict";
 *
 * const [query, value] = [input([7, 16]), input([12, 16])];
 * const { outputs, attentionScores } = connect(
 *   [query, value],
 *   attention({ scoreMode: "concat", returnAttentionScores: true }),
 * );
 * const model = functional({ inputs: { query, value }, outputs: { outputs, attentionScores } });
 * assert.deepEqual(model.outputShape, { outputs: [7, 16], attentionScores: [7, 12] });
 * ```
 *
 * Source: M. Luong and others, "Effective approaches to attention-based neural machine translation",
 * 2015. Keras: `Attention`.
 */
export function attention(
  options?: AttentionLayerOptions & { readonly returnAttentionScores?: false },
): LoneMergeLayer;
/** As above, and the scores as an output of their own. */
export function attention(
  options: AttentionLayerOptions & { readonly returnAttentionScores: true },
): LoneMergeLayer<AttentionOutputs>;
/** Either of both. */
export function attention(
  options?: AttentionLayerOptions,
): LoneMergeLayer | LoneMergeLayer<AttentionOutputs>;
export function attention(
  options: AttentionLayerOptions = {},
): LoneMergeLayer | LoneMergeLayer<AttentionOutputs> {
  const { useScale = false, scoreMode = "dot" } = options;
  if (scoreMode !== "dot" && scoreMode !== "concat") {
    throw new RangeError(
      `Cannot make attention as scoreMode must be dot or concat: received ${
        JSON.stringify(scoreMode)
      }`,
    );
  }
  const makeScale = weight("scale", { initializer: "ones" });
  const makeFactor = weight("concat_score_weight", { initializer: "ones" });
  return unprojectedAttention(options, {
    type: "Attention",
    factory: "attention",
    parameters: (_features, key) => [
      ...(useScale ? [makeScale([1], key)] : []),
      ...(scoreMode === "concat" ? [makeFactor([1], key)] : []),
    ],
    ...(scoreMode === "concat" ? bySums : byProducts(options)),
  });
}

const bySums: Pick<OwnAttention, "scores"> = {
  scores({ scale, concat_score_weight: factor }, query, keys) {
    const pairs = summedPairs(query, keys);
    return mul(sum(tanh(scale ? mul(pairs, scale) : pairs), -1), factor);
  },
};

function byProducts(options: AttentionLayerOptions): Pick<OwnAttention, "scores" | "fused"> {
  const { useCausalMask = false, dropout = 0, seed } = options;
  return {
    scores: ({ scale }, query, keys) =>
      matmul(scale ? mul(query, scale) : query, transpose(keys, [0, 2, 1])),
    fused({ scale }, { query, value, keys, masks }, context) {
      const heads = {
        query: expandDims(scale ? mul(query, scale) : query, 2),
        key: expandDims(keys, 2),
        value: expandDims(value, 2),
      };
      const self = value === query && keys === query;
      const settings = { causal: useCausalMask, self, dropout, seed, scale: 1, masks };
      return squeeze(attend(heads, settings, context), 2);
    },
  };
}
