import type { OnnxDimension } from "../dimension.ts";
import type { OnnxGraph, OnnxValue } from "../graph.ts";
import type { TracedNode } from "../trace.ts";
import { type OnnxForm, type OnnxForms, onWhole, withoutForm } from "./form.ts";
import { channelsFirst, channelsLast, made, pad, padded, windowOf } from "./images.ts";

const convolution: OnnxForm = (graph, node, [x, kernel]) => {
  const window = windowOf(node);
  const flat = graph.reshape(kernel, [...window.size, ...kernel.dimensions.slice(3)]);
  const image = channelsFirst(graph, x, window);
  if (window.inputDilation.some((places) => places > 1)) {
    return channelsLast(graph, transposed(graph, node, image, flat), node.dimensions);
  }
  const rank = window.axes.length;
  const weights = graph.transpose(flat, [rank + 1, rank, ...window.axes.map((_, place) => place)]);
  const given = padded(graph, image, window);
  const result = graph.node("Conv", [given.x, weights], made(node, window), {
    dilations: { ints: window.dilation },
    group: { int: node.attributes[0].groups as number },
    pads: { ints: given.pads },
    strides: { ints: window.strides },
  });
  return channelsLast(graph, result, node.dimensions);
};

/** A convolution whose inputs lie apart: ONNX's ConvTranspose of the kernel turned round. */
function transposed(
  graph: OnnxGraph,
  node: TracedNode,
  image: OnnxValue,
  kernel: OnnxValue,
): OnnxValue {
  const window = windowOf(node);
  const groups = node.attributes[0].groups as number;
  if (groups > 1 || window.strides.some((stride) => stride > 1)) {
    throw withoutForm(
      "convolution",
      node,
      "of inputs apart from each other, with groups or strides, is one",
    );
  }
  const places = window.axes.map((_, place) => place);
  const turned = places.reduce((value, axis) => graph.flip(value, axis), kernel);
  const weights = graph.transpose(turned, [places.length, places.length + 1, ...places]);
  const reach = places.map((axis) => window.dilation[axis] * (window.size[axis] - 1));
  // All places that a tap reaches; what the window has before and after them is added or cut off.
  const whole: OnnxDimension[] = places.map((axis) => {
    const size = image.dimensions[2 + axis] as number;
    return (size - 1) * window.inputDilation[axis] + 1 + reach[axis];
  });
  const dimensions = [node.dimensions[0], node.dimensions[4], ...whole];
  const all = graph.node("ConvTranspose", [image, weights], { type: "f32", dimensions }, {
    dilations: { ints: window.dilation },
    strides: { ints: window.inputDilation },
  });
  const before = places.map((axis) => window.before[axis] - reach[axis]);
  const after = places.map((axis) => window.after[axis] - reach[axis]);
  return [...before, ...after].every((count) => count === 0)
    ? all
    : pad(graph, all, { before, after });
}

/** Forms of convolutions. */
export const convolutionForms: OnnxForms = { convolution: onWhole(convolution) };
