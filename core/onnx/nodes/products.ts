import { broadcastDimensions, sameDimensions } from "../dimension.ts";
import type { OnnxForm, OnnxForms } from "./form.ts";

/** A product of matrices; axes before the last two are broadcast by ONNX. */
const matmul: OnnxForm = (graph, node, inputs) => {
  const [left, right] = inputs.map((input, place) => {
    const { dimensions } = node.inputs[place];
    const isWhole = sameDimensions(input.dimensions.slice(-2), dimensions.slice(-2));
    return isWhole ? input : graph.expanded(input, dimensions);
  });
  const before = broadcastDimensions(
    [left, right].map(({ dimensions }) => dimensions.slice(0, -2)),
  );
  const dimensions = [...before, ...node.dimensions.slice(-2)];
  return graph.node("MatMul", [left, right], { type: "f32", dimensions });
};

/** Forms of products. */
export const productForms: OnnxForms = { matmul };
