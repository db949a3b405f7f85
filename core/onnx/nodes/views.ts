import { isStatic } from "../dimension.ts";
import { type TracedNode, where } from "../trace.ts";
import { type OnnxForm, type OnnxForms, onWhole, typeOf } from "./form.ts";

const slice: OnnxForm = (graph, node, [x]) => {
  const axes = node.dimensions.map((_, axis) => axis).filter((axis) => isCut(node, axis));
  const { begin, end } = node.attributes[0] as { begin: number[]; end: number[] };
  const bounds = [begin, end].map((list) => graph.wholes(axes.map((axis) => list[axis])));
  return graph.node("Slice", [x, ...bounds, graph.wholes(axes)], {
    type: x.type,
    dimensions: node.dimensions,
  });
};

/** Whether an axis is cut, at places that do not depend on the batch. */
function isCut(node: TracedNode, axis: number): boolean {
  const [size] = node.inputs.map(({ dimensions }) => dimensions[axis]);
  const [one, other] = node.attributes.map((bounds) =>
    bounds as { begin: number[]; end: number[] }
  );
  const isWhole = !isStatic(size) && one.begin[axis] === 0 && other.begin[axis] === 0 &&
    !isStatic(node.dimensions[axis]) && size.batches === node.dimensions[axis].batches;
  if (isWhole) return false;
  if (one.begin[axis] === other.begin[axis] && one.end[axis] === other.end[axis]) {
    return one.begin[axis] > 0 || size !== one.end[axis];
  }
  throw new TypeError(
    `Cannot export ${where(node.label)} to ONNX as ` +
      `it takes a part of the batch: received a slice ` +
      `from ${one.begin[axis]} to ${one.end[axis]} along axis ${axis}`,
  );
}

/** Forms of what gives the same values in another order, shape or number. */
export const viewForms: OnnxForms = {
  // Left to the ops that take it.
  broadcastTo: (_graph, _node, [x]) => x,
  concat: onWhole((graph, node, inputs) => {
    const axis = { int: node.attributes[0].axis as number };
    return graph.node("Concat", inputs, { type: typeOf(node), ...node }, { axis });
  }),
  flip: onWhole((graph, node, [x]) => graph.flip(x, node.attributes[0].axis as number)),
  literal: (graph, node) => graph.number(node.attributes[0].value as number, typeOf(node)),
  iota: (graph, node) => {
    const axis = node.attributes[0].axis as number;
    const places = graph.cast(graph.range(node.dimensions[axis]), typeOf(node));
    const alone = node.dimensions.map((size, place) => place === axis ? size : 1);
    return graph.reshape(places, alone);
  },
  // What a training run computes again it computes once here.
  recompute: (_graph, _node, [x]) => x,
  reshape: onWhole((graph, node, [x]) => graph.reshape(x, node.dimensions)),
  slice: onWhole(slice),
  transpose: onWhole((graph, node, [x]) => graph.transpose(x, node.attributes[0].axes as number[])),
};
