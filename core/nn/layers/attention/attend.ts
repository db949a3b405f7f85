import { ShapeError } from "../../../graph/errors.ts";
import { formatShape, type Shape } from "../../../graph/shape.ts";
import type { Tensor } from "../../../graph/tensor.ts";
import { cast } from "../../../ops/cast.ts";
import { greater } from "../../../ops/greater.ts";
import { logicalAnd } from "../../../ops/logical.ts";
import { attentionShares } from "../../../ops/attention_weights.ts";
import { reshape } from "../../../ops/reshape.ts";
import {
  type AttentionOptions,
  scaledDotProductAttention,
} from "../../../ops/scaled_dot_product_attention.ts";
import type { ApplyContext } from "../../layer.ts";
import type { Mask } from "../../mask.ts";
import { namedKey } from "../../named_key.ts";
import type { ScalarSource } from "../../scalar.ts";
import { rates } from "../regularization/noise.ts";

/** Queries, keys and values of all heads, `[batch, steps, heads, size]`. */
export interface Heads {
  readonly query: Tensor;
  readonly key: Tensor;
  readonly value: Tensor;
}

/** How a layer attends. */
export interface AttendOptions {
  /** Whether a query sees the steps up to its own alone. */
  readonly causal: boolean;
  /** Whether keys and values are of the queries' own steps. */
  readonly self: boolean;
  /** Share of the weights that is dropped in training. */
  readonly dropout: ScalarSource;
  /** Seed of what is dropped; by default the run's. */
  readonly seed?: number;
  /** Which keys count, of keys and of values. */
  readonly masks: readonly Mask[];
  /** Which keys each query sees, `[batch, queries, keys]`; 0 where it does not. */
  readonly attentionMask?: Tensor;
  /** Factor of the scores; default 1 / √size. */
  readonly scale?: number;
}

/** Attention of a layer: with its dropout, masks, and what was kept of earlier steps. */
export function attend(heads: Heads, options: AttendOptions, context: ApplyContext): Tensor {
  const { query, key, value, settings } = attended(heads, options, context);
  return scaledDotProductAttention(query, key, value, settings);
}

/** As {@link attend}, and how much each query takes of each value, `[batch, heads, queries, keys]`. */
export function attendAndTell(
  heads: Heads,
  options: AttendOptions,
  context: ApplyContext,
): { readonly outputs: Tensor; readonly attentionScores: Tensor } {
  const { query, key, value, settings } = attended(heads, options, context);
  return {
    outputs: scaledDotProductAttention(query, key, value, settings),
    attentionScores: attentionShares(query, key, settings),
  };
}

function attended(
  heads: Heads,
  options: AttendOptions,
  context: ApplyContext,
): Heads & { readonly settings: AttentionOptions & { readonly scale?: number } } {
  const { decoding } = context;
  const { causal, self } = options;
  if (decoding && self && !causal) {
    throw new Error(
      "expected useCausalMask, as this layer is given a sequence a few steps at a time and cannot " +
        "see those that follow",
    );
  }
  const keeps = decoding && self;
  const kept = (name: string, rows: Tensor) => keeps ? decoding.keep(name, rows) : rows;
  const keys = options.masks.filter((mask) => mask !== undefined)
    .filter((mask, place, all) => all.indexOf(mask) === place)
    .map((mask, place) =>
      keyMask(mask, (rows) => kept(`mask_${place}`, rows), keeps !== undefined)
    );
  const { attentionMask } = options;
  const masks = attentionMask
    ? [...keys, greater(reshape(attentionMask, maskShape(attentionMask.shape)), 0)]
    : keys;
  const settings = {
    causal,
    scale: options.scale,
    ...(causal && keeps && { queryOffset: decoding.position }),
    ...(masks.length > 0 && { mask: masks.reduce((all, mask) => logicalAnd(all, mask)) }),
    ...dropped(options, context),
  };
  return {
    query: heads.query,
    key: kept("key", heads.key),
    value: kept("value", heads.value),
    settings,
  };
}

/** `[batch, 1, 1, keys]` of a mask of steps. */
function keyMask(mask: Tensor, keep: (rows: Tensor) => Tensor, keeps: boolean): Tensor {
  const rows = keeps ? greater(keep(cast(mask, "f32")), 0) : mask;
  return reshape(rows, [rows.shape[0], 1, 1, rows.shape[1]]);
}

function maskShape(shape: Shape): number[] {
  if (shape.length === 3) return [shape[0], 1, shape[1], shape[2]];
  throw new ShapeError(
    `expected an attention mask of [batch, queries, keys], got ${formatShape(shape)}`,
  );
}

function dropped(
  { dropout, seed }: AttendOptions,
  context: ApplyContext,
): Pick<AttentionOptions, "dropout"> {
  if (!context.training || dropout === 0) return {};
  return {
    dropout: {
      rate: context.scalar(dropout, "rate", rates),
      key: seed === undefined ? context.randomKey("mask") : namedKey(seed, "attention"),
      counter: context.counter,
    },
  };
}
