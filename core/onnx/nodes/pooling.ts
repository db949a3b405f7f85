import type { Window } from "../../graph/window.ts";
import { type OnnxForm, type OnnxForms, onWhole, withoutForm } from "./form.ts";
import { axesOf, channelsFirst, channelsLast, made, padded } from "./images.ts";

/** A pooling; of sums ONNX has means. */
function pooling(operation: "MaxPool" | "AveragePool"): OnnxForm {
  return (graph, node, [x]) => {
    const window = node.attributes[0] as unknown as Window;
    const axes = axesOf(node, window);
    const pick = (values: readonly number[]) => axes.map((axis) => values[axis]);
    const isMean = operation === "AveragePool";
    const dilations = pick(window.dilation);
    const isApart = pick(window.inputDilation).some((places) => places > 1);
    if (isApart || isMean && dilations.some((places) => places > 1)) {
      throw withoutForm(node.operation.name, node, "of places apart from each other is one");
    }
    const image = channelsFirst(graph, x, axes);
    const given = padded(graph, image, { before: pick(window.before), after: pick(window.after) });
    const result = graph.node(operation, [given.x], made(node, axes), {
      kernel_shape: { ints: pick(window.size) },
      pads: { ints: given.pads },
      strides: { ints: pick(window.strides) },
      ...(isMean ? { count_include_pad: { int: 1 } } : { dilations: { ints: dilations } }),
    });
    const taps = window.size[0] * window.size[1] * window.size[2];
    const value = isMean ? graph.binary("Mul", result, graph.number(taps)) : result;
    return channelsLast(graph, value, node.dimensions);
  };
}

/** Forms of poolings. */
export const poolingForms: OnnxForms = {
  maxPool: onWhole(pooling("MaxPool")),
  sumPool: onWhole(pooling("AveragePool")),
};
