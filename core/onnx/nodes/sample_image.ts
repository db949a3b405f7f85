import type { FillMode, SamplingAttributes } from "../../graph/sampling.ts";
import type { OnnxValue } from "../graph.ts";
import { where } from "../trace.ts";
import { type OnnxForm, type OnnxForms, onWhole } from "./form.ts";

/** What stands beyond a picture's edges, in ONNX's words. */
const paddings: Readonly<Partial<Record<FillMode, string>>> = {
  constant: "zeros",
  nearest: "border",
  reflect: "reflection",
};

/** Pictures at places between pixels, which ONNX counts from −1 to 1, from edge to edge. */
const sampleImage: OnnxForm = (graph, node, [images, y, x]) => {
  const { fillMode, fillValue } = node.attributes[0] as unknown as SamplingAttributes;
  const padding = paddings[fillMode];
  if (!padding) {
    throw new TypeError(
      `Cannot export ${where(node.label)} to ONNX as fillMode "${fillMode}" has no form there: ` +
        `choose one of ${Object.keys(paddings).join(", ")}`,
    );
  }
  const [, height, width] = node.inputs[0].tensor.shape;
  const along = (places: OnnxValue, size: number) => {
    const scaled = graph.binary("Mul", places, graph.number(2 / size));
    const moved = graph.binary("Add", scaled, graph.number(1 / size - 1));
    return graph.reshape(moved, [...places.dimensions, 1]);
  };
  const grid = graph.node("Concat", [along(x, width), along(y, height)], {
    type: "f32",
    dimensions: [...y.dimensions, 2],
  }, { axis: { int: 3 } });
  // What stands outside is 0 there, so that another value is taken off before and added afterwards.
  const value = graph.number(fillMode === "constant" ? fillValue : 0);
  const channelsFirst = graph.transpose(graph.binary("Sub", images, value), [0, 3, 1, 2]);
  const [batch, outHeight, outWidth, channels] = node.dimensions;
  const sampled = graph.node("GridSample", [channelsFirst, grid], {
    type: "f32",
    dimensions: [batch, channels, outHeight, outWidth],
  }, {
    align_corners: { int: 0 },
    mode: { text: "bilinear" },
    padding_mode: { text: padding },
  });
  return graph.binary("Add", graph.transpose(sampled, [0, 2, 3, 1]), value);
};

/** Forms of pictures sampled at places. */
export const sampleImageForms: OnnxForms = { sampleImage: onWhole(sampleImage) };
