import type { Tensor } from "../../../core/graph/tensor.ts";
import * as ops from "../../../core/ops/mod.ts";
import { floats, integers, type OpCase } from "./generator.ts";
import { opCase } from "./structured_cases.ts";

interface Sizes {
  readonly batch?: number;
  readonly queries: number;
  readonly keys: number;
  readonly heads?: number;
  readonly keyHeads?: number;
  readonly size?: number;
  readonly valueSize?: number;
}

interface Options {
  readonly causal?: boolean;
  readonly queryOffset?: number;
  readonly scale?: number;
  /** Shape of a random mask whose first key is always seen. */
  readonly mask?: readonly number[];
  /** Shape of a bias. */
  readonly bias?: readonly number[];
  readonly rate?: number;
}

/** One of everything, odd sizes, more than a block of each, shared heads, all that hides keys. */
const rows: [Sizes, Options?][] = [
  [{ queries: 1, keys: 1, size: 1 }],
  [{ batch: 2, queries: 3, keys: 5, heads: 3, size: 5, valueSize: 7 }],
  [{ queries: 7, keys: 7, heads: 2, size: 4 }, { causal: true }],
  [{ batch: 2, queries: 5, keys: 9, heads: 4, keyHeads: 2, size: 3 }, { scale: 0.7 }],
  [{ queries: 2, keys: 6, heads: 2, keyHeads: 1, size: 8 }, { causal: true, queryOffset: 3 }],
  [{ queries: 4, keys: 3 }, { causal: true, queryOffset: -2 }],
  [{ batch: 3, queries: 4, keys: 6, heads: 2 }, { mask: [3, 1, 1, 6] }],
  [{ batch: 2, queries: 5, keys: 5, heads: 2, size: 9 }, { mask: [5, 5], bias: [2, 1, 5] }],
  [{ batch: 2, queries: 3, keys: 4, heads: 2 }, { bias: [1, 1, 1, 1], causal: true }],
  [{ batch: 2, queries: 6, keys: 5, heads: 2, size: 6 }, { rate: 0.4 }],
  [{ queries: 5, keys: 6, heads: 2, keyHeads: 1 }, {
    rate: 0.3,
    causal: true,
    queryOffset: 1,
    mask: [1, 2, 1, 6],
    bias: [5, 6],
  }],
];

/** Attention, whose gradients are checked one by one. */
export function attentionCases(random: () => number): OpCase[] {
  return rows.map(([sizes, options = {}]) => attentionCase(random, sizes, options));
}

function attentionCase(random: () => number, sizes: Sizes, options: Options): OpCase {
  const { batch = 1, queries, keys, heads = 1, keyHeads = heads, size = 2, valueSize = size } =
    sizes;
  const { mask, bias, causal, rate, queryOffset, scale } = options;
  const counted = mask ? integers(random, mask, "u32", [0, 2]) : undefined;
  const given = [
    floats(random, [batch, queries, heads, size]),
    floats(random, [batch, keys, keyHeads, size]),
    floats(random, [batch, keys, keyHeads, valueSize]),
    ...(bias ? [floats(random, bias, [-1, 1])] : []),
    ...(counted ? [counted] : []),
  ];
  return opCase(
    `attention ${JSON.stringify(options)}`,
    given,
    (query, key, value, ...rest: Tensor[]) =>
      ops.scaledDotProductAttention(query, key, value, {
        causal,
        queryOffset,
        scale,
        ...(bias && { bias: rest[0] }),
        ...(mask && { mask: ops.greater(rest.at(-1)!, 0) }),
        ...(rate && { dropout: { rate, key: { key0: 1, key1: 2 }, counter: 3 } }),
      }),
    // Weights are eˣ of scores, which have their own errors.
    { tolerance: 32, magnitude: 4 },
  );
}
