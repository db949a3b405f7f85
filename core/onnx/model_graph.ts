import { evaluateTensors } from "../cpu/evaluate.ts";
import { openReference } from "../cpu/reference_device.ts";
import type { TensorData } from "../graph/dtype.ts";
import { topologicalOrder } from "../graph/differentiate.ts";
import { constantData } from "../graph/leaf.ts";
import { OnnxGraph, type OnnxValue } from "./graph.ts";
import { onnxData, type OnnxGraphMessage } from "./messages.ts";
import { typeOf, withoutForm } from "./nodes/form.ts";
import { onnxForms } from "./nodes/mod.ts";
import { writtenForm } from "./nodes/written.ts";
import type { TracedNode } from "./trace.ts";
import type { TracedModel } from "./traced_model.ts";

/** The ONNX graph of a model, with what can be computed of weights alone computed. */
export async function modelGraph(
  { inputs, outputs, weights }: TracedModel,
  name: string,
): Promise<OnnxGraphMessage> {
  const order = topologicalOrder(outputs.map(({ node }) => node));
  const elements = await elementsOf(order.filter(({ isConstant }) => isConstant));
  const graph = new OnnxGraph(
    inputs.map(({ name, node }) => ({ name, type: "f32", dimensions: node.dimensions })),
    outputs.map(({ name }) => name),
  );
  const values = new Map(inputs.map(({ node }, place) => [node, graph.inputs[place]]));
  for (const node of order) {
    if (values.has(node)) continue;
    graph.label = node.label;
    const data = elements.get(node);
    values.set(
      node,
      data
        ? constant(node, data, weights.get(node.tensor))
        : formOf(node)(graph, node, node.inputs.map((input) => values.get(input)!)),
    );
  }
  const results = outputs.map(({ name, node }) =>
    graph.named(graph.expanded(values.get(node)!, node.dimensions), name)
  );
  return graph.message(name, results);
}

/** The elements of weights, and of what is computed of them, in float64 and then rounded. */
async function elementsOf(nodes: readonly TracedNode[]): Promise<Map<TracedNode, TensorData>> {
  const known = new Map(nodes.flatMap((node) => {
    const data = constantData(node.tensor);
    return data ? [[node, data] as const] : [];
  }));
  const others = nodes.filter((node) => !known.has(node));
  const computed = await evaluateTensors(others.map(({ tensor }) => tensor), openReference());
  others.forEach((node, place) => known.set(node, computed[place]));
  return known;
}

function constant(node: TracedNode, data: TensorData, weight: string | undefined): OnnxValue {
  const name = weight ?? (node.label ? `${node.label}/constant` : "constant");
  const type = typeOf(node);
  return { name, type, dimensions: node.tensor.shape, data: onnxData(type, data) };
}

function formOf(node: TracedNode) {
  const { operation } = node;
  const form = onnxForms[operation.name] ??
    (operation.kind === "elementwise" ? writtenForm(operation) : undefined);
  if (!form) throw withoutForm(operation.name, node);
  return form;
}
