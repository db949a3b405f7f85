import { type AttentionAttributes, attentionOperands } from "../../graph/attention.ts";
import type { OnnxGraph, OnnxValue } from "../graph.ts";
import { type OnnxForm, type OnnxForms, onWhole, withoutForm } from "./form.ts";

/** Sizes of an attention, as it is worked out: heads that share keys lie behind those. */
interface Sizes {
  readonly queries: number;
  readonly keys: number;
  /** Heads of keys and values. */
  readonly keyHeads: number;
  /** Heads of queries that share one of those. */
  readonly shared: number;
}

/** Softmax(query · keyᵀ · scale + bias) · value; a query that sees nothing gives zeros. */
const attention: OnnxForm = (graph, node, inputs) => {
  const attributes = node.attributes[0] as unknown as AttentionAttributes;
  if (attributes.dropout) throw withoutForm("attention", node, "with dropout is one");
  const { query, key, value, offset, bias } = attentionOperands(inputs, attributes, false);
  const [[, queries, heads, size], , [, keys, keyHeads, valueSize]] = node.inputs.map((input) =>
    input.tensor.shape
  );
  const [batch] = query.dimensions;
  const sizes = { queries, keys, keyHeads, shared: heads / keyHeads };
  const shaped = graph.reshape(query, [batch, queries, keyHeads, sizes.shared, size]);
  const turned = graph.transpose(shaped, [0, 2, 3, 1, 4]);
  const keysLast = graph.transpose(
    graph.reshape(key, [batch, keys, keyHeads, 1, size]),
    [0, 2, 3, 4, 1],
  );
  const made = { type: "f32", dimensions: [batch, keyHeads, sizes.shared, queries, keys] } as const;
  const products = graph.node("MatMul", [turned, keysLast], made);
  let scores = graph.binary("Mul", products, graph.number(attributes.scale));
  if (bias) scores = graph.binary("Add", scores, ofHeads(graph, bias, sizes));
  if (offset) scores = graph.where(seen(graph, sizes, offset), scores, graph.number(-Infinity));
  const shares = softmax(graph, scores, Boolean(bias ?? offset));
  const values = graph.transpose(
    graph.reshape(value, [batch, keys, keyHeads, 1, valueSize]),
    [0, 2, 3, 1, 4],
  );
  const result = graph.node("MatMul", [shares, values], {
    type: "f32",
    dimensions: [batch, keyHeads, sizes.shared, queries, valueSize],
  });
  return graph.reshape(graph.transpose(result, [0, 3, 1, 2, 4]), node.dimensions);
};

/** A bias, `[batch or 1, heads or 1, queries or 1, keys]`, as the scores lie. */
function ofHeads(graph: OnnxGraph, bias: OnnxValue, { keyHeads, shared }: Sizes): OnnxValue {
  const [batch, heads, ...rest] = bias.dimensions;
  return graph.reshape(bias, [batch, ...(heads === 1 ? [1, 1] : [keyHeads, shared]), ...rest]);
}

/** Which keys a query sees, `[queries, keys]`: those up to its own place behind the offset. */
function seen(graph: OnnxGraph, { queries, keys }: Sizes, offset: OnnxValue): OnnxValue {
  const places = graph.reshape(graph.range(queries), [queries, 1]);
  const last = graph.binary("Add", places, graph.cast(offset, "i64"));
  return graph.compare("LessOrEqual", graph.range(keys), last);
}

/** Softmax along the last axis; of scores that may all be hidden, zeros where they are. */
function softmax(graph: OnnxGraph, scores: OnnxValue, mayBeHidden: boolean): OnnxValue {
  const last = scores.dimensions.length - 1;
  const shares = graph.node("Softmax", [scores], scores, { axis: { int: last } });
  if (!mayBeHidden) return shares;
  const dimensions = scores.dimensions.with(last, 1);
  const most = graph.node("ReduceMax", [scores, graph.wholes([last])], { type: "f32", dimensions });
  const isHidden = graph.compare("Equal", most, graph.number(-Infinity));
  return graph.where(isHidden, graph.number(0), shares);
}

/** Forms of attention. */
export const attentionForms: OnnxForms = { scaledDotProductAttention: onWhole(attention) };
