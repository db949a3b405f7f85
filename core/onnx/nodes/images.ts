import type { Triple, Window } from "../../graph/window.ts";
import { isStatic, type OnnxDimension } from "../dimension.ts";
import type { Made, OnnxGraph, OnnxValue } from "../graph.ts";
import type { TracedNode } from "../trace.ts";

/** Depth, height or width. */
type Axis = 0 | 1 | 2;

/** What goes over images, along the axes that ONNX is told of. */
export interface FlatWindow extends Padding {
  /** Which axes these are: those along which there is more than one place, one at least. */
  readonly axes: readonly Axis[];
  /** Taps along each of them. */
  readonly size: readonly number[];
  /** Places from one output to the next. */
  readonly strides: readonly number[];
  /** Places from one tap to the next. */
  readonly dilation: readonly number[];
  /** Places from one input to the next. */
  readonly inputDilation: readonly number[];
}

/** The window of a convolution or pooling, without axes along which everything is flat. */
export function windowOf({ inputs, dimensions, attributes }: TracedNode): FlatWindow {
  const window = attributes[0] as unknown as Window;
  const longer = ([0, 1, 2] as const).filter((axis) => {
    const isFlat = inputs[0].dimensions[axis + 1] === 1 && dimensions[axis + 1] === 1;
    return !isFlat || window.size[axis] > 1;
  });
  const axes = longer.length > 0 ? longer : [2 as const];
  const pick = (values: Triple) => axes.map((axis) => values[axis]);
  return {
    axes,
    size: pick(window.size),
    strides: pick(window.strides),
    before: pick(window.before),
    after: pick(window.after),
    dilation: pick(window.dilation),
    inputDilation: pick(window.inputDilation),
  };
}

/** `[batch, depth, height, width, channels]` as ONNX has it: channels first, flat axes left out. */
export function channelsFirst(graph: OnnxGraph, x: OnnxValue, { axes }: FlatWindow): OnnxValue {
  const [batch, channels] = [x.dimensions[0], x.dimensions[4]];
  const sizes = axes.map((axis) => x.dimensions[axis + 1]);
  const image = graph.reshape(x, [batch, ...sizes, channels]);
  return graph.transpose(image, [0, axes.length + 1, ...axes.map((_, place) => place + 1)]);
}

/** The opposite of {@link channelsFirst}. */
export function channelsLast(
  graph: OnnxGraph,
  y: OnnxValue,
  dimensions: readonly OnnxDimension[],
): OnnxValue {
  const spatial = y.dimensions.slice(2).map((_, place) => place + 2);
  return graph.reshape(graph.transpose(y, [0, ...spatial, 1]), dimensions);
}

/** What a window makes, with channels first. */
export function made(node: TracedNode, { axes }: FlatWindow): Made {
  const [batch, channels] = [node.dimensions[0], node.dimensions[4]];
  const sizes = axes.map((axis) => node.dimensions[axis + 1]);
  return { type: "f32", dimensions: [batch, channels, ...sizes] };
}

/** Zeros before and after the spatial axes; below 0 places are cut off. */
export interface Padding {
  /** Before each of them. */
  readonly before: readonly number[];
  /** After each of them. */
  readonly after: readonly number[];
}

/** The input without what is cut off, and the places to pad, of which ONNX's windows take care. */
export function padded(
  graph: OnnxGraph,
  x: OnnxValue,
  { before, after }: Padding,
): { readonly x: OnnxValue; readonly pads: readonly number[] } {
  const cut = (counts: readonly number[]) => counts.map((count) => Math.min(count, 0));
  const pads = [...before, ...after].map((count) => Math.max(count, 0));
  if ([...before, ...after].every((count) => count >= 0)) return { x, pads };
  return { x: pad(graph, x, { before: cut(before), after: cut(after) }), pads };
}

/** An input with its padding. */
export function pad(
  graph: OnnxGraph,
  x: OnnxValue,
  { before, after }: Padding,
): OnnxValue {
  const dimensions = x.dimensions.map((size, axis) =>
    axis < 2 || !isStatic(size) ? size : size + before[axis - 2] + after[axis - 2]
  );
  const counts = graph.wholes([0, 0, ...before, 0, 0, ...after]);
  return graph.node("Pad", [x, counts], { type: "f32", dimensions });
}
