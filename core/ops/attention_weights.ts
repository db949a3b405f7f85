import type { AttentionAttributes, AttentionOperands } from "../graph/attention.ts";
import { iota } from "../graph/leaf.ts";
import type { Tensor } from "../graph/tensor.ts";
import { add } from "./add.ts";
import { cast } from "./cast.ts";
import { div } from "./div.ts";
import { exp } from "./exp.ts";
import { expandDims } from "./expand_dims.ts";
import { lessEqual } from "./less_equal.ts";
import { logicalAnd } from "./logical.ts";
import { matmul } from "./matmul.ts";
import { maximum } from "./maximum.ts";
import { mul } from "./mul.ts";
import { dropoutMask } from "./random.ts";
import { reshape } from "./reshape.ts";
import { select } from "./select.ts";
import { softmax } from "./softmax.ts";
import { sub } from "./sub.ts";
import { broadcastTo } from "./sum.ts";
import { transpose } from "./transpose.ts";

/** Operands of an attention's gradient as tensors. */
export type GradientOperands = AttentionOperands<Tensor>;

/**
 * The gradient of every score, `[batch, heads, queries, keys]`: the whole matrix, in simpler ops. Only
 * a bias that learns needs it, which is as large.
 */
export function scoreGradient(
  operands: GradientOperands,
  { causal, scale }: AttentionAttributes,
): Tensor {
  const { query, key, value, offset, bias, rate } = operands;
  const { grad, sums, dots } = operands as Required<GradientOperands>;
  const heads = query.shape[2];
  const products = mul(matmul(headsFirst(query, heads), turned(headsFirst(key, heads))), scale);
  const scores = bias ? add(products, bias) : products;
  const weights = exp(sub(causal ? hidden(scores, offset!) : scores, expandDims(sums, 3)));
  const slopes = matmul(headsFirst(grad, heads), turned(headsFirst(value, heads)));
  const given = rate ? dropped(slopes, operands as Required<GradientOperands>) : slopes;
  return mul(weights, sub(given, expandDims(transpose(dots, [0, 2, 1]), 3)));
}

/**
 * How much each query takes of each value, `[batch, heads, queries, keys]`: the whole matrix, before
 * dropout. A query that sees nothing takes nothing.
 */
export function attentionShares(
  query: Tensor,
  key: Tensor,
  { causal = false, mask, scale = 1 / Math.sqrt(query.shape[3]) }: {
    causal?: boolean;
    mask?: Tensor;
    scale?: number;
  },
): Tensor {
  const heads = query.shape[2];
  const products = mul(matmul(headsFirst(query, heads), turned(headsFirst(key, heads))), scale);
  const { shape } = products;
  const seen = [
    ...(mask ? [broadcastTo(mask, shape)] : []),
    ...(causal ? [lessEqual(iota(shape, 3), iota(shape, 2))] : []),
  ];
  if (seen.length === 0) return softmax(products);
  const all = seen.reduce((one, other) => logicalAnd(one, other));
  // Not −∞, of which a whole row would be NaN.
  return select(all, softmax(select(all, products, -1e9)), 0);
}

/** `[batch, heads, rows, size]`, of fewer heads by repeating each. */
function headsFirst(x: Tensor, heads: number): Tensor {
  const [batch, rows, own, size] = x.shape;
  const first = transpose(x, [0, 2, 1, 3]);
  if (own === heads) return first;
  const wide = broadcastTo(expandDims(first, 2), [batch, own, heads / own, rows, size]);
  return reshape(wide, [batch, heads, rows, size]);
}

function turned(x: Tensor): Tensor {
  return transpose(x, [0, 1, 3, 2]);
}

/** −∞ for keys behind the query. */
function hidden(scores: Tensor, offset: Tensor): Tensor {
  const [queries, keys] = scores.shape.slice(2);
  const last = add(iota([queries, keys], 0, "i32"), offset);
  return select(lessEqual(iota([queries, keys], 1, "i32"), last), scores, -Infinity);
}

function dropped(
  slopes: Tensor,
  { rate, key0, key1, counter }: Required<GradientOperands>,
): Tensor {
  const kept = dropoutMask({ key0, key1 }, slopes.shape, counter, rate);
  return mul(cast(kept, "f32"), div(slopes, maximum(sub(1, rate), 2 ** -24)));
}
