import { type ConvolutionAttributes, triple } from "../../graph/window.ts";
import type { OnnxGraph, OnnxValue } from "../graph.ts";
import type { TracedNode } from "../trace.ts";
import { type OnnxForm, type OnnxForms, onWhole, withoutForm } from "./form.ts";
import { axesOf, channelsFirst, channelsLast, made, pad, padded } from "./images.ts";

const convolution: OnnxForm = (graph, node, [x, kernel]) => {
  const window = node.attributes[0] as unknown as ConvolutionAttributes;
  const axes = axesOf(node, window);
  const pick = (values: readonly number[]) => axes.map((axis) => values[axis]);
  const sizes = axes.map((axis) => kernel.dimensions[axis]);
  const flat = graph.reshape(kernel, [...sizes, ...kernel.dimensions.slice(3)]);
  const image = channelsFirst(graph, x, axes);
  if (pick(window.inputDilation).some((places) => places > 1)) {
    return channelsLast(graph, transposed(graph, node, image, flat), node.dimensions);
  }
  const spatial = axes.map((_, place) => place);
  const weights = graph.transpose(flat, [axes.length + 1, axes.length, ...spatial]);
  const given = padded(graph, image, { before: pick(window.before), after: pick(window.after) });
  const result = graph.node("Conv", [given.x, weights], made(node, axes), {
    dilations: { ints: pick(window.dilation) },
    group: { int: window.groups },
    pads: { ints: given.pads },
    strides: { ints: pick(window.strides) },
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
  const window = node.attributes[0] as unknown as ConvolutionAttributes;
  const axes = axesOf(node, window);
  const pick = (values: readonly number[]) => axes.map((axis) => values[axis]);
  if (window.groups > 1 || pick(window.strides).some((stride) => stride > 1)) {
    throw withoutForm(
      "convolution",
      node,
      "of inputs apart from each other, with groups or strides, is one",
    );
  }
  const rank = axes.length;
  const turned = axes.reduce((value, _, axis) => graph.flip(value, axis), kernel);
  const weights = graph.transpose(turned, [rank, rank + 1, ...axes.map((_, place) => place)]);
  const reach = triple((axis) => window.dilation[axis] * (window.size[axis] - 1));
  // All places that a tap reaches; what the window has before and after them is added or cut off.
  const whole = axes.map((axis) => {
    const size = image.dimensions[2 + axes.indexOf(axis)] as number;
    return (size - 1) * window.inputDilation[axis] + 1 + reach[axis];
  });
  const dimensions = [node.dimensions[0], node.dimensions[4], ...whole];
  const all = graph.node("ConvTranspose", [image, weights], { type: "f32", dimensions }, {
    dilations: { ints: pick(window.dilation) },
    strides: { ints: pick(window.inputDilation) },
  });
  const before = axes.map((axis) => window.before[axis] - reach[axis]);
  const after = axes.map((axis) => window.after[axis] - reach[axis]);
  return [...before, ...after].every((count) => count === 0)
    ? all
    : pad(graph, all, { before, after });
}

/** Forms of convolutions. */
export const convolutionForms: OnnxForms = { convolution: onWhole(convolution) };
