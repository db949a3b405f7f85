import { type OnnxForm, type OnnxForms, onWhole, withoutForm } from "./form.ts";
import { channelsFirst, channelsLast, made, padded, windowOf } from "./images.ts";

/** A pooling; of sums ONNX has means. */
function pooling(operation: "MaxPool" | "AveragePool"): OnnxForm {
  return (graph, node, [x]) => {
    const window = windowOf(node);
    const isMean = operation === "AveragePool";
    const isApart = (places: number) => places > 1;
    if (window.inputDilation.some(isApart) || isMean && window.dilation.some(isApart)) {
      throw withoutForm(node.operation.name, node, "of places apart from each other is one");
    }
    const given = padded(graph, channelsFirst(graph, x, window), window);
    const result = graph.node(operation, [given.x], made(node, window), {
      kernel_shape: { ints: window.size },
      pads: { ints: given.pads },
      strides: { ints: window.strides },
      ...(isMean ? { count_include_pad: { int: 1 } } : { dilations: { ints: window.dilation } }),
    });
    const taps = window.size.reduce((product, size) => product * size, 1);
    const value = isMean ? graph.binary("Mul", result, graph.number(taps)) : result;
    return channelsLast(graph, value, node.dimensions);
  };
}

/** Forms of poolings. */
export const poolingForms: OnnxForms = {
  maxPool: onWhole(pooling("MaxPool")),
  sumPool: onWhole(pooling("AveragePool")),
};
