import {
  type AttentionAttributes,
  attentionFlops,
  attentionOperands,
  attentionSizes,
  resultSize,
} from "../graph/attention.ts";
import { DTypeError, ShapeError } from "../graph/errors.ts";
import { literal } from "../graph/leaf.ts";
import type { Attributes, CompositeOperation, StructuredOperation } from "../graph/operation.ts";
import { formatShape, sameShape, type Shape, sizeOf } from "../graph/shape.ts";
import { commonDType, Tensor, type TensorLike } from "../graph/tensor.ts";
import { attentionBackward, attentionForward } from "./attention_reference.ts";
import { scoreGradient } from "./attention_weights.ts";
import { cast } from "./cast.ts";
import { slice } from "./concat.ts";
import { mul } from "./mul.ts";
import type { RandomKey } from "./random.ts";
import { register } from "./registry.ts";
import { reshape } from "./reshape.ts";
import { select } from "./select.ts";
import { broadcastTo, sum } from "./sum.ts";

/**
 * Results, `[batch, queries, heads, valueSize]`, and behind them the logarithms of each query's sum of
 * weights, `[batch, heads, queries]`, in one line; operands as `core/graph/attention.ts` says. It is
 * differentiated as a whole.
 */
const attentionOperation: StructuredOperation & { name: "attention" } = register({
  kind: "structured",
  name: "attention",
  infer: ([query, key, value]) => {
    const sizes = attentionSizes([query.shape, key.shape, value.shape]);
    return { shape: [resultSize(sizes) + sizeOf(query.shape.slice(0, 3))], dtype: query.dtype };
  },
  reference: (inputs, attributes, output) => attentionForward(inputs, settings(attributes), output),
  work: (shapes, _output, attributes) => ({
    flops: attentionFlops(shapes, settings(attributes), false),
  }),
});

/** Gradients of query, key and value, one behind the other in one line. */
const attentionGradientOperation: StructuredOperation & { name: "attentionGradient" } = register({
  kind: "structured",
  name: "attentionGradient",
  infer: ([query, key, value]) => ({
    shape: [query.size + key.size + value.size],
    dtype: query.dtype,
  }),
  reference: (inputs, attributes, output) =>
    attentionBackward(inputs, settings(attributes), output),
  work: (shapes, _output, attributes) => ({
    flops: attentionFlops(shapes, settings(attributes), true),
  }),
});

/** The op behind {@link scaledDotProductAttention}. */
const scaledDotProductAttentionOperation: CompositeOperation = register<CompositeOperation>({
  kind: "composite",
  name: "scaledDotProductAttention",
  infer: ([query, , value]) => ({
    shape: [...query.shape.slice(0, 3), value.shape[3]],
    dtype: query.dtype,
  }),
  reference: (inputs, attributes, output) => {
    const length = sizeOf(output.shape) + sizeOf(output.shape.slice(0, 3));
    const kept = { shape: [length], dtype: output.dtype, data: new Float64Array(length) };
    attentionForward(inputs, settings(attributes), kept);
    output.data.set(kept.data.subarray(0, output.data.length));
  },
  vjp: (grad, node) => {
    const [query, key, value, ...rest] = node.inputs;
    const attributes = settings(node.attributes);
    const kept = Tensor.node(attentionOperation, node.inputs, node.attributes);
    const [batch, queries, heads] = node.shape;
    const sums = reshape(slice(kept, [node.size], [kept.size]), [batch, heads, queries]);
    const dots = sum(mul(grad, node), -1);
    const inputs = [query, key, value, grad, sums, dots, ...rest];
    const slopes = Tensor.node(attentionGradientOperation, inputs, node.attributes);
    let start = 0;
    const [toQuery, toKey, toValue] = [query, key, value].map((source) => {
      const part = slice(slopes, [start], [start += source.size]);
      return reshape(part, source.shape);
    });
    const operands = attentionOperands(inputs, attributes, true);
    return [
      ...[toQuery, toKey, toValue],
      ...rest.map((input) =>
        input === operands.bias ? summedTo(scoreGradient(operands, attributes), input.shape) : null
      ),
    ];
  },
  expand: (inputs, attributes) => {
    const kept = Tensor.node(attentionOperation, inputs, attributes);
    const shape = [...inputs[0].shape.slice(0, 3), inputs[2].shape[3]];
    return reshape(slice(kept, [0], [sizeOf(shape)]), shape);
  },
});

/** Weights that are tossed out at random, in training. */
export interface AttentionDropout {
  /** Share of the weights, in [0, 1]: a number, or an f32 scalar of the step. */
  readonly rate: TensorLike;
  /** Names the stream of random numbers. */
  readonly key: RandomKey;
  /** u32 scalar that changes from step to step, or a number. */
  readonly counter: TensorLike;
}

/** Settings of {@link scaledDotProductAttention}. */
export interface AttentionOptions {
  /** Whether query i sees the keys 0 to i + `queryOffset` alone; default false. */
  readonly causal?: boolean;
  /**
   * Where the first query stands among the keys: a number, or an i32, u32 or f32 scalar that may
   * change from step to step. Only with `causal`; default 0.
   */
  readonly queryOffset?: TensorLike;
  /**
   * Which keys a query sees: bool, true where it does. Broadcast to `[batch, heads, queries, keys]`;
   * of padded samples `[batch, 1, 1, keys]`. Default all.
   */
  readonly mask?: Tensor;
  /** What is added to the scores, f32, broadcast to `[batch, heads, queries, keys]`; default 0. */
  readonly bias?: Tensor;
  /** Factor of the scores; default 1 / √size. */
  readonly scale?: number;
  /** Dropout of the weights; default none. */
  readonly dropout?: AttentionDropout;
}

/**
 * Attention: each query's mean of the values, weighted by how well their keys fit.
 *
 * y[i] = Σⱼ wᵢⱼ value[j], w = softmax over j of scale · query[i] · key[j] + bias. The matrix of scores
 * is never whole in memory: blocks of it are computed, used and forgotten, forward and backward, and
 * what is kept for the gradient is one number a query. (Only a bias's gradient is such a matrix.)
 *
 * @param query `[batch, queries, heads, size]`, f32.
 * @param key `[batch, keys, keyHeads, size]`, f32. Each of its heads serves `heads / keyHeads`
 * neighbouring heads of the queries.
 * @param value `[batch, keys, keyHeads, valueSize]`, f32.
 * @param options {@link AttentionOptions}.
 * @returns `[batch, queries, heads, valueSize]`, f32; zeros for a query that sees no key. Its gradient
 * has no gradient of its own.
 * @throws {ShapeError} when shapes do not fit.
 * @throws {DTypeError} when a mask is not bool, or anything else not f32.
 *
 * @example
 * ```ts
 * import { scaledDotProductAttention, tensor } from "@millrace/millrace";
 * import assert from "node:assert/strict";
 *
 * const heads = (values: number[]) => tensor(values).reshape([1, values.length, 1, 1]);
 * const same = heads([1, 1]); // every key fits equally well
 * const y = scaledDotProductAttention(same, same, heads([10, 20]), { causal: true });
 * assert.deepEqual([...await y.data()], [10, 15]);
 * ```
 *
 * Source: A. Vaswani and others, "Attention is all you need", 2017; T. Dao and others,
 * "FlashAttention", 2022; J. Ainslie and others, "GQA", 2023. As `jax.nn.dot_product_attention`.
 * PyTorch has the heads before the queries and gives NaN to a query that sees no key.
 */
export function scaledDotProductAttention(
  query: Tensor,
  key: Tensor,
  value: Tensor,
  options: AttentionOptions = {},
): Tensor {
  const { causal = false, queryOffset, mask, dropout } = options;
  checkShapes(query, key, value);
  commonDType("scaledDotProductAttention", [query, key, value], ["f32"]);
  if (queryOffset !== undefined && !causal) {
    throw new RangeError(
      "Cannot apply scaledDotProductAttention as a queryOffset needs causal: received no causal",
    );
  }
  const bias = addedScores(query, key, mask, options.bias);
  const { scale = 1 / Math.sqrt(query.shape[3]) } = options;
  const attributes: AttentionAttributes = {
    causal,
    scale,
    bias: bias !== undefined,
    dropout: dropout !== undefined,
  };
  const inputs = [
    ...[query, key, value],
    ...(causal ? [scalar("queryOffset", queryOffset ?? 0, "i32")] : []),
    ...(bias ? [bias] : []),
    ...(dropout
      ? [
        scalar("dropout.rate", dropout.rate, "f32"),
        scalar("dropout.key", dropout.key.key0, "u32"),
        scalar("dropout.key", dropout.key.key1, "u32"),
        scalar("dropout.counter", dropout.counter, "u32"),
      ]
      : []),
  ];
  return Tensor.node(scaledDotProductAttentionOperation, inputs, { ...attributes });
}

/** A bias of four axes of what a user gives; hidden keys have −∞. */
function addedScores(
  query: Tensor,
  key: Tensor,
  mask: Tensor | undefined,
  bias: Tensor | undefined,
): Tensor | undefined {
  const [batch, queries, heads] = query.shape;
  const full = [batch, heads, queries, key.shape[1]];
  if (mask && mask.dtype !== "bool") {
    throw new DTypeError(
      `Cannot apply scaledDotProductAttention as a mask must be bool, true where a key is seen: ` +
        `received ${mask.dtype} (compare it, or give what is added to scores as bias)`,
    );
  }
  if (bias) commonDType("scaledDotProductAttention", [query, bias], ["f32"]);
  for (const [name, given] of Object.entries({ mask, bias })) {
    if (!given || fits(given.shape, full)) continue;
    throw new ShapeError(
      `Cannot apply scaledDotProductAttention as its ${name} must broadcast to ` +
        `${formatShape(full)} (batch, heads, queries, keys): received ${formatShape(given.shape)}`,
    );
  }
  if (!mask && !bias) return undefined;
  const added = mask ? select(mask, bias ?? 0, -Infinity) : bias!;
  const shape = [...new Array<number>(4 - added.rank).fill(1), ...added.shape];
  // The kernels read the last axis in steps of one.
  return broadcastTo(reshape(added, shape), [...shape.slice(0, 3), full[3]]);
}

function fits(shape: Shape, full: Shape): boolean {
  const lead = full.length - shape.length;
  return lead >= 0 && shape.every((size, axis) => size === 1 || size === full[lead + axis]);
}

function checkShapes(query: Tensor, key: Tensor, value: Tensor): void {
  const [batch, queries, heads, size] = query.shape;
  const [, keys, keyHeads] = key.shape;
  const fits = [query, key, value].every(({ rank }) => rank === 4) &&
    sameShape(key.shape, [batch, keys, keyHeads, size]) &&
    sameShape(value.shape.slice(0, 3), [batch, keys, keyHeads]) &&
    heads % keyHeads === 0 && query.size > 0 && key.size > 0 && value.size > 0 && queries > 0;
  if (fits) return;
  throw new ShapeError(
    `Cannot apply scaledDotProductAttention as its inputs must be [batch, queries, heads, size], ` +
      `[batch, keys, keyHeads, size] and [batch, keys, keyHeads, valueSize], none of them empty, ` +
      `with a multiple of keyHeads as heads: received ${
        [query, key, value].map(({ shape }) => formatShape(shape)).join(", ")
      }`,
  );
}

/** A number of the step, or one that is always the same, as an operand. */
function scalar(name: string, given: TensorLike, dtype: "f32" | "i32" | "u32"): Tensor {
  if (typeof given === "number") return literal(given, dtype);
  if (given.rank === 0) return cast(given, dtype);
  throw new ShapeError(
    `Cannot apply scaledDotProductAttention as its ${name} must be a scalar: received ` +
      formatShape(given.shape),
  );
}

/** The sum over the axes along which an operand of `shape` was repeated. */
function summedTo(value: Tensor, shape: Shape): Tensor {
  const axes = shape.flatMap((size, axis) => size === 1 && value.shape[axis] > 1 ? [axis] : []);
  return reshape(sum(value, axes), shape);
}

function settings(attributes: Attributes): AttentionAttributes {
  return attributes as unknown as AttentionAttributes;
}
