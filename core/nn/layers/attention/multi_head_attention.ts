import { formatShape, type Shape, sizeOf } from "../../../graph/shape.ts";
import { ShapeError } from "../../../graph/errors.ts";
import { checkCount } from "../../check_count.ts";
import type { LoneMergeLayer } from "../../merge_layer.ts";
import { checkScalarSource, type ScalarSource } from "../../scalar.ts";
import { rates } from "../regularization/noise.ts";
import { attend } from "./attend.ts";
import { project, type ProjectionOptions, projectionWeights } from "./projections.ts";

/** Options of every layer of attention with projections. */
export interface ProjectedAttentionOptions extends ProjectionOptions {
  /** Share of the weights that is tossed out in training, from 0 to 1; default 0. */
  readonly dropout?: ScalarSource;
  /** Seed of what is tossed out; by default that of the run, folded with the layer's name. */
  readonly seed?: number;
  /** Whether a query sees the keys up to its own place alone; default false. */
  readonly useCausalMask?: boolean;
  /** Name; default the type and a count. */
  readonly name?: string;
  /** Whether optimizers change the layer's weights; default true. */
  readonly trainable?: boolean;
}

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
 * sees, `[queries, keys]`, 0 where it does not. Masks that go with keys and values hide padding.
 *
 * The weights are `query_kernel` `[features, numHeads, keyDim]`, `query_bias` `[numHeads, keyDim]`, of
 * `key` and `value` alike, `attention_output_kernel` `[numHeads, valueDim, outputs]` and its bias.
 *
 * @param numHeads Number of heads, from 1.
 * @param keyDim Numbers of a query and of a key in a head, from 1.
 * @param options Sizes, dropout, causality, bias, initializers, regularizers, constraints.
 * @returns A layer from `[queries, features]` and more to `[queries, outputs]`.
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
 * Source: A. Vaswani and others, "Attention is all you need", 2017. Keras: `MultiHeadAttention`, whose
 * `use_causal_mask` and `attention_mask` are arguments of a call; here a query that sees nothing gets
 * zeros. PyTorch: `nn.MultiheadAttention`, with the heads' kernels side by side and transposed.
 */
export function multiHeadAttention(
  numHeads: number,
  keyDim: number,
  options: MultiHeadAttentionOptions = {},
): LoneMergeLayer {
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

/** Sizes of heads. */
export interface HeadSizes {
  /** Heads of queries. */
  readonly heads: number;
  /** Heads of keys and values. */
  readonly keyHeads: number;
  /** Numbers of a query and a key. */
  readonly keyDim: number;
  /** Numbers of a value. */
  readonly valueDim: number;
}

const roles = ["query", "key", "value", "attention_output"] as const;

/** A layer of attention with projections. */
export function projectedAttention(
  { type, factory, config }: {
    type: string;
    factory: string;
    config: Readonly<Record<string, unknown>>;
  },
  { heads, keyHeads, keyDim, valueDim }: HeadSizes,
  options: ProjectedAttentionOptions & Pick<MultiHeadAttentionOptions, "outputShape">,
): LoneMergeLayer {
  const { name = "", trainable, dropout = 0, seed, useCausalMask = false } = options;
  checkScalarSource(`the dropout of ${factory}`, dropout, rates);
  const given = typeof options.outputShape === "number"
    ? [options.outputShape]
    : options.outputShape;
  given?.forEach((size) => checkCount(`the outputShape of ${factory}`, size, 1));
  const makeWeights = projectionWeights(options, roles);
  return {
    merges: true,
    alone: true,
    decodes: true,
    type,
    name,
    trainable,
    config,
    init(shapes, key) {
      const [query, value = query, keys = value] = shapes;
      checkInputs(shapes);
      const outputs = given ?? [query[1]];
      const parameters = makeWeights({
        query: [[query[1], heads, keyDim], 2],
        key: [[keys[1], keyHeads, keyDim], 2],
        value: [[value[1], keyHeads, valueDim], 2],
        attention_output: [[heads, valueDim, ...outputs], outputs.length],
      }, key);
      return { outputShape: [query[0], ...outputs], parameters };
    },
    apply(parameters, inputs, context) {
      const [query, value = query, keys = value, attentionMask] = inputs;
      const { masks } = context;
      const valueMask = inputs.length > 1 ? masks[1] : masks[0];
      const result = attend(
        {
          query: project(parameters, "query", query, 2),
          key: project(parameters, "key", keys, 2),
          value: project(parameters, "value", value, 2),
        },
        {
          causal: useCausalMask,
          self: value === query && keys === query,
          dropout,
          seed,
          masks: [valueMask, masks[2]],
          attentionMask,
        },
        context,
      );
      const { rank } = parameters.attention_output_kernel;
      return project(parameters, "attention_output", result, rank - 2);
    },
    computeMask: (_inputs, [mask]) => mask,
  };
}

function checkInputs(shapes: readonly Shape[]): void {
  const [query, value = query, keys = value, mask = [query[0], value[0]]] = shapes;
  const fits = shapes.length > 0 && shapes.length <= 4 &&
    shapes.every(({ length }) => length === 2) &&
    keys[0] === value[0] && mask[0] === query[0] && mask[1] === value[0] && sizeOf(query) > 0;
  if (fits) return;
  throw new ShapeError(
    "expected queries [queries, features], values [keys, features], keys [keys, features] and a " +
      `mask [queries, keys], all but the first of which may be left out, got ${
        shapes.map(formatShape).join(", ")
      }`,
  );
}
