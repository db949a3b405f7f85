import type { DType } from "../../graph/dtype.ts";
import { broadcastDimensions } from "../dimension.ts";
import type { OnnxGraph, OnnxValue } from "../graph.ts";
import type { OnnxType } from "../messages.ts";
import { type TracedNode, where } from "../trace.ts";

/**
 * How an op is said in ONNX: adds nodes to the graph and gives what they make. Inputs may have fewer
 * sizes than the node's, and ones in their place: they are broadcast where an op of ONNX does not do it.
 */
export type OnnxForm = (
  graph: OnnxGraph,
  node: TracedNode,
  inputs: readonly OnnxValue[],
) => OnnxValue;

/** Forms by the names of ops. */
export type OnnxForms = Readonly<Record<string, OnnxForm>>;

/** ONNX's types for those of tensors; its unsigned 32-bit numbers are known to few of its ops. */
export const onnxTypes: Readonly<Record<Exclude<DType, "u8">, OnnxType>> = {
  f32: "f32",
  i32: "i32",
  u32: "i64",
  bool: "bool",
};

/** ONNX's type for a node. */
export function typeOf({ dtype }: TracedNode): OnnxType {
  return onnxTypes[dtype as Exclude<DType, "u8">];
}

/** A form that takes inputs of the sizes that the node's have. */
export function onWhole(form: OnnxForm): OnnxForm {
  return (graph, node, inputs) =>
    form(
      graph,
      node,
      inputs.map((input, place) => graph.expanded(input, node.inputs[place].dimensions)),
    );
}

/** The form of an elementwise op that ONNX has, too. */
export function sameAs(operation: string): OnnxForm {
  return (graph, node, inputs) =>
    graph.node(operation, inputs, {
      type: typeOf(node),
      dimensions: broadcastDimensions(inputs.map(({ dimensions }) => dimensions)),
    });
}

/** What is thrown where an op cannot be said in ONNX. */
export function withoutForm(operation: string, node: TracedNode, why = "is an op"): TypeError {
  return new TypeError(
    `Cannot export ${where(node.label)} to ONNX as "${operation}" ${why} for which there is no ` +
      `form (let what runs the file do this part)`,
  );
}
