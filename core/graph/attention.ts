import { type Shape, sizeOf } from "./shape.ts";

/** Settings of an attention; what varies between steps are operands. */
export interface AttentionAttributes {
  /** Whether a query sees the keys up to its own place alone; there is an operand `offset` then. */
  readonly causal: boolean;
  /** Factor of the scores. */
  readonly scale: number;
  /** Whether there is an operand `bias`. */
  readonly bias: boolean;
  /** Whether there are operands `rate`, `key0`, `key1` and `counter`. */
  readonly dropout: boolean;
}

/** Sizes of an attention. */
export interface AttentionSizes {
  /** Samples. */
  readonly batch: number;
  /** Queries of a sample. */
  readonly queries: number;
  /** Keys of a sample. */
  readonly keys: number;
  /** Heads of the queries. */
  readonly heads: number;
  /** Heads of keys and values, each of which serves as many heads of queries. */
  readonly keyHeads: number;
  /** Numbers of a query and of a key. */
  readonly size: number;
  /** Numbers of a value. */
  readonly valueSize: number;
}

/** Operands of an attention by role; those of its gradient have `grad`, `sums` and `dots` too. */
export interface AttentionOperands<Operand> {
  /** `[batch, queries, heads, size]`. */
  readonly query: Operand;
  /** `[batch, keys, keyHeads, size]`. */
  readonly key: Operand;
  /** `[batch, keys, keyHeads, valueSize]`. */
  readonly value: Operand;
  /** Gradient of the result, `[batch, queries, heads, valueSize]`. */
  readonly grad?: Operand;
  /** Logarithms of the sums of each query's weights, `[batch, heads, queries]`. */
  readonly sums?: Operand;
  /** Dot products of results and their gradients, `[batch, queries, heads]`. */
  readonly dots?: Operand;
  /** How many more keys than its number the first query sees beyond one, i32, `[]`. */
  readonly offset?: Operand;
  /** What is added to the scores, `[batch, heads, queries, keys]`, any of them 1 but the last. */
  readonly bias?: Operand;
  /** Share of weights that is dropped, f32, `[]`. */
  readonly rate?: Operand;
  /** First word of the random key, u32, `[]`. */
  readonly key0?: Operand;
  /** Second word of the random key, u32, `[]`. */
  readonly key1?: Operand;
  /** Counter of the random numbers, u32, `[]`. */
  readonly counter?: Operand;
}

const always = ["query", "key", "value"] as const;
const gradients = ["grad", "sums", "dots"] as const;
const dropouts = ["rate", "key0", "key1", "counter"] as const;

/** A call's operands by role. */
export function attentionOperands<Operand>(
  operands: readonly Operand[],
  { causal, bias, dropout }: AttentionAttributes,
  gradient: boolean,
): AttentionOperands<Operand> {
  const roles = [
    ...always,
    ...(gradient ? gradients : []),
    ...(causal ? ["offset"] : []),
    ...(bias ? ["bias"] : []),
    ...(dropout ? dropouts : []),
  ];
  return Object.fromEntries(
    roles.map((role, place) => [role, operands[place]]),
  ) as unknown as AttentionOperands<Operand>;
}

/** The sizes of an attention, from the shapes of its operands. */
export function attentionSizes([query, key, value]: readonly Shape[]): AttentionSizes {
  const [batch, queries, heads, size] = query;
  const [, keys, keyHeads] = key;
  return { batch, queries, keys, heads, keyHeads, size, valueSize: value[3] };
}

/** Numbers of the results, of a forward call's output the first ones; the sums follow. */
export function resultSize({ batch, queries, heads, valueSize }: AttentionSizes): number {
  return batch * queries * heads * valueSize;
}

/**
 * Queries and keys that the CPU takes at a time: their scores stay in the cache. More queries make
 * products faster, and more of their scores are of keys that causal attention hides.
 */
export function attentionBlock(causal: boolean): { queries: number; keys: number } {
  return { queries: causal ? 64 : 128, keys: 256 };
}

/** Heads of keys from which the CPU's gradient takes one after the other, whole. */
const manyHeads = 8;

/** Pieces of work of a call on the CPU: blocks of queries, of keys, or heads of keys. */
export interface AttentionUnits {
  /** Blocks of the queries of all heads. */
  readonly queries: number;
  /** Blocks of the keys of all heads. */
  readonly keys: number;
  /** Heads of keys that are taken whole. */
  readonly whole: number;
}

/**
 * How the CPU divides a call. The gradient of a whole head shares the scores between queries and
 * keys; where heads are few, their blocks are pieces of their own, so that all threads have work.
 */
export function attentionUnits(
  shapes: readonly Shape[],
  { causal }: AttentionAttributes,
  gradient: boolean,
): AttentionUnits {
  const block = attentionBlock(causal);
  const { batch, queries, keys, heads, keyHeads } = attentionSizes(shapes);
  if (gradient && batch * keyHeads >= manyHeads) {
    return { queries: 0, keys: 0, whole: batch * keyHeads };
  }
  return {
    queries: batch * heads * Math.ceil(queries / block.queries),
    keys: gradient ? batch * keyHeads * Math.ceil(keys / block.keys) : 0,
    whole: 0,
  };
}

/** Floating-point operations of a call; half of them where keys are hidden from earlier queries. */
export function attentionFlops(
  shapes: readonly Shape[],
  { causal }: AttentionAttributes,
  gradient: boolean,
): number {
  const { batch, queries, keys, heads, size, valueSize } = attentionSizes(shapes);
  const products = gradient ? 3 * size + 2 * valueSize : size + valueSize;
  return 2 * sizeOf([batch, heads, queries, keys]) * products / (causal ? 2 : 1);
}
