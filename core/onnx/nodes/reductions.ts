import { type OnnxForm, type OnnxForms, onWhole, typeOf } from "./form.ts";

/** Forms of what goes along axes. */
export const reductionForms: OnnxForms = {
  cumsum: onWhole((graph, node, [x]) =>
    graph.node("CumSum", [x, graph.number(node.attributes[0].axis as number, "i64")], x)
  ),
  logSoftmax: alongAxis("LogSoftmax"),
  max: fold("ReduceMax"),
  min: fold("ReduceMin"),
  softmax: alongAxis("Softmax"),
  sum: fold("ReduceSum"),
};

function alongAxis(operation: string): OnnxForm {
  return onWhole((graph, node, [x]) =>
    graph.node(operation, [x], x, { axis: { int: node.attributes[0].axis as number } })
  );
}

function fold(operation: string): OnnxForm {
  return onWhole((graph, node, [x]) => {
    const axes = graph.wholes(node.attributes[0].axes as number[]);
    const made = { type: typeOf(node), dimensions: node.dimensions };
    return graph.node(operation, [x, axes], made, { keepdims: { int: 0 } });
  });
}
