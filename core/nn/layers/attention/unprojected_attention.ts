import { iota } from "../../../graph/leaf.ts";
import { ShapeError } from "../../../graph/errors.ts";
import { formatShape, type Shape } from "../../../graph/shape.ts";
import type { Tensor } from "../../../graph/tensor.ts";
import { expandDims } from "../../../ops/expand_dims.ts";
import { lessEqual } from "../../../ops/less_equal.ts";
import { logicalAnd } from "../../../ops/logical.ts";
import { matmul } from "../../../ops/matmul.ts";
import { select } from "../../../ops/select.ts";
import { softmax } from "../../../ops/softmax.ts";
import { broadcastTo } from "../../../ops/sum.ts";
import type { ApplyContext, LayerInitialization } from "../../layer.ts";
import type { Mask } from "../../mask.ts";
import type { LoneMergeLayer } from "../../merge_layer.ts";
import { type NamedKey, namedKey } from "../../named_key.ts";
import { checkScalarSource, type ScalarSource } from "../../scalar.ts";
import { dropped, rates } from "../regularization/noise.ts";

/** Options of layers that attend without projections. */
export interface UnprojectedAttentionOptions {
  /** Share of the weights that is tossed out in training, from 0 to 1; default 0. */
  readonly dropout?: ScalarSource;
  /** Seed of what is tossed out; by default that of the run, folded with the layer's name. */
  readonly seed?: number;
  /** Whether a query sees the keys up to its own place alone; default false. */
  readonly useCausalMask?: boolean;
  /**
   * Whether the weights of the values, after dropout, are given, too: the layer's outputs are then
   * `outputs` and `attentionScores` `[queries, keys]`, by name; default false.
   */
  readonly returnAttentionScores?: boolean;
  /** Name; default the type and a count. */
  readonly name?: string;
  /** Whether optimizers change the layer's weights; default true. */
  readonly trainable?: boolean;
}

/** What a layer with `returnAttentionScores` gives. */
export type AttentionOutputs = {
  /** As without it. */
  readonly outputs: Tensor;
  /** How much each query takes of each value, `[batch, queries, keys]`; with heads `[batch, heads, queries, keys]`. */
  readonly attentionScores: Tensor;
};

/** Queries, values and keys, of which one tensor may be several. */
export interface Attended {
  readonly query: Tensor;
  readonly value: Tensor;
  readonly keys: Tensor;
  /** Which steps of the values and of the keys count. */
  readonly masks: readonly Mask[];
}

/** What is a layer's own. */
export interface OwnAttention {
  /** Keras's class name. */
  readonly type: string;
  /** Name of the factory, for messages. */
  readonly factory: string;
  /** Its weights, of so many features of queries and keys. */
  parameters(features: number, key: NamedKey): LayerInitialization["parameters"];
  /** How well each key fits each query, `[batch, queries, keys]`, before the softmax. */
  scores(weights: Readonly<Record<string, Tensor>>, query: Tensor, keys: Tensor): Tensor;
  /** The outputs without a matrix of scores in memory, if there is a way. */
  fused?(
    weights: Readonly<Record<string, Tensor>>,
    attended: Attended,
    context: ApplyContext,
  ): Tensor;
}

/** The scores of keys that are hidden; not −∞, of which a whole row would be NaN. */
const hidden = -1e9;

/** A layer that attends without projections; see `attention` and `additiveAttention`. */
export function unprojectedAttention(
  options: UnprojectedAttentionOptions,
  own: OwnAttention,
): LoneMergeLayer | LoneMergeLayer<AttentionOutputs> {
  const { name = "", trainable, returnAttentionScores = false } = options;
  checkScalarSource(`the dropout of ${own.factory}`, options.dropout ?? 0, rates);
  // A seed that is none is refused here, not in the first step.
  if (options.seed !== undefined) namedKey(options.seed, "attention");
  const common = {
    merges: true,
    alone: true,
    decodes: own.fused !== undefined && !returnAttentionScores,
    type: own.type,
    name,
    trainable,
    config: { ...options },
  } as const;
  const attendedOf = (inputs: readonly Tensor[], { masks }: ApplyContext): Attended => {
    const [query, value = query, keys = value] = inputs;
    return { query, value, keys, masks: [inputs.length > 1 ? masks[1] : masks[0], masks[2]] };
  };
  const initialized = (shapes: readonly Shape[], key: NamedKey) => {
    checkShapes(shapes);
    const [query, value = query, keys = value] = shapes;
    return {
      outputs: [query[0], value[1]],
      attentionScores: [query[0], keys[0]],
      parameters: own.parameters(query[1], key),
    };
  };
  const byScores = (
    weights: Readonly<Record<string, Tensor>>,
    attended: Attended,
    context: ApplyContext,
  ): AttentionOutputs => {
    const { query, keys, value } = attended;
    const scores = own.scores(weights, query, keys);
    const shares = sharesOf(scores, attended.masks, options.useCausalMask);
    const attentionScores = thinned(shares, options, context);
    return { outputs: matmul(attentionScores, value), attentionScores };
  };
  if (returnAttentionScores) {
    return {
      ...common,
      outputNames: ["outputs", "attentionScores"],
      init(shapes, key) {
        const { parameters, ...outputShape } = initialized(shapes, key);
        return { outputShape, parameters };
      },
      apply: (weights, inputs, context) => byScores(weights, attendedOf(inputs, context), context),
      computeMask: (_inputs, [mask]) => ({ outputs: mask, attentionScores: undefined }),
    };
  }
  return {
    ...common,
    init(shapes, key) {
      const { parameters, outputs } = initialized(shapes, key);
      return { outputShape: outputs, parameters };
    },
    apply(weights, inputs, context) {
      const attended = attendedOf(inputs, context);
      return own.fused?.(weights, attended, context) ??
        byScores(weights, attended, context).outputs;
    },
    computeMask: (_inputs, [mask]) => mask,
  };
}

/** How much a query takes of what it may see; nothing of all else, even where it sees nothing. */
function sharesOf(scores: Tensor, masks: readonly Mask[], causal?: boolean): Tensor {
  const seen = masks.flatMap((mask) =>
    mask ? [broadcastTo(expandDims(mask, 1), scores.shape)] : []
  );
  if (causal) seen.push(lessEqual(iota(scores.shape, 2), iota(scores.shape, 1)));
  if (seen.length === 0) return softmax(scores);
  const all = seen.reduce((one, other) => logicalAnd(one, other));
  return select(all, softmax(select(all, scores, hidden)), 0);
}

/** Weights after dropout. */
function thinned(
  weights: Tensor,
  { dropout = 0, seed }: UnprojectedAttentionOptions,
  context: ApplyContext,
): Tensor {
  if (!context.training || dropout === 0) return weights;
  const rate = context.scalar(dropout, "rate", rates);
  const key = seed === undefined ? context.randomKey("mask") : namedKey(seed, "attention");
  return dropped(weights, weights.shape, rate, key, context.counter);
}

function checkShapes(shapes: readonly Shape[]): void {
  const [query, value = query, keys = value] = shapes;
  const fits = shapes.length > 0 && shapes.length <= 3 &&
    shapes.every(({ length }) => length === 2);
  if (fits && keys[0] === value[0] && keys[1] === query[1]) return;
  throw new ShapeError(
    "expected queries [queries, features], values [keys, outputs] and keys [keys, features], all but " +
      `the first of which may be left out, got ${shapes.map(formatShape).join(", ")}`,
  );
}
