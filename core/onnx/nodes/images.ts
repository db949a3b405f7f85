import type { Window } from "../../graph/window.ts";
import { isStatic, type OnnxDimension } from "../dimension.ts";
import type { Made, OnnxGraph, OnnxValue } from "../graph.ts";
import type { TracedNode } from "../trace.ts";

/** Depth, height or width. */
export type Axis = 0 | 1 | 2;

/** The axes of a window along which there is more than one place; one at least. */
export function axesOf({ inputs, dimensions }: TracedNode, window: Window): Axis[] {
  const axes = ([0, 1, 2] as const).filter((axis) => {
    const isFlat = inputs[0].dimensions[axis + 1] === 1 && dimensions[axis + 1] === 1;
    return !isFlat || window.size[axis] > 1;
  });
  return axes.length > 0 ? axes : [2];
}

/** `[batch, depth, height, width, channels]` as ONNX has it: channels first, flat axes left out. */
export function channelsFirst(graph: OnnxGraph, x: OnnxValue, axes: readonly Axis[]): OnnxValue {
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
export function made(node: TracedNode, axes: readonly Axis[]): Made {
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
