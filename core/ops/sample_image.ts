import { ShapeError } from "../graph/errors.ts";
import type { Attributes, ReferenceArray, StructuredOperation } from "../graph/operation.ts";
import {
  type FillMode,
  fillModes,
  pixelsBeside,
  type SamplingAttributes,
} from "../graph/sampling.ts";
import { formatShape, sizeOf } from "../graph/shape.ts";
import { commonDType, registerMethod, Tensor } from "../graph/tensor.ts";
import { add } from "./add.ts";
import { mul } from "./mul.ts";
import { register } from "./registry.ts";
import { floor } from "./round.ts";
import { sub } from "./sub.ts";
import { sum } from "./sum.ts";

// The two ops stand in one file because each is the other's gradient.

/** The op behind {@link sampleImage}: `[images, y, x]`. */
const sampleImageOperation: StructuredOperation & { name: "sampleImage" } = register({
  kind: "structured",
  name: "sampleImage",
  infer: ([images, y, x]) => ({
    shape: [...y.shape, images.shape[3]],
    dtype: commonDType("sampleImage", [images, y, x], ["f32"]),
  }),
  reference: ([images, y, x], attributes, output) => {
    const { fillMode, fillValue } = settings(attributes);
    eachNeighbour(images, y, x, fillMode, (from, to, weight) => {
      output.data[to] += weight * (from < 0 ? fillValue : images.data[from]);
    });
  },
  // Four products and sums an element, and the weights of a point.
  work: ([images], output) => ({ flops: sizeOf(output) * (8 + 12 / images[3]) }),
  vjp: (grad, node) => {
    const [images, y, x] = node.inputs;
    const { fillMode } = settings(node.attributes);
    return [
      sampleImageGradient(grad, y, x, fillMode, images),
      ...slopes(grad, images, y, x, node.attributes),
    ];
  },
});

/** Gives what comes from above to the pixels that were sampled: `[gradient of the samples, y, x]`. */
const sampleImageGradientOperation: StructuredOperation & { name: "sampleImageGradient" } =
  register({
    kind: "structured",
    name: "sampleImageGradient",
    infer: ([grad, y, x], attributes) => ({
      shape: [grad.shape[0], ...(attributes.sizes as [number, number]), grad.shape[3]],
      dtype: commonDType("sampleImageGradient", [grad, y, x], ["f32"]),
    }),
    reference: ([grad, y, x], attributes, output) => {
      eachNeighbour(output, y, x, settings(attributes).fillMode, (from, to, weight) => {
        if (from >= 0) output.data[from] += weight * grad.data[to];
      });
    },
    work: ([grad]) => ({ flops: sizeOf(grad) * (8 + 12 / grad[3]) }),
    vjp: (upstream, node) => {
      const [grad, y, x] = node.inputs;
      // It is linear in what comes from above; a fill value takes no part in it.
      const attributes = { fillMode: settings(node.attributes).fillMode, fillValue: 0 };
      return [
        Tensor.node(sampleImageOperation, [upstream, y, x], attributes),
        ...slopes(grad, upstream, y, x, attributes),
      ];
    },
  });

/** Settings of {@link sampleImage}. */
export interface SampleImageOptions {
  /** What stands beyond the edges; default `reflect`. */
  readonly fillMode?: FillMode;
  /** The value beyond the edges, for `constant`; default 0. */
  readonly fillValue?: number;
}

/**
 * Pictures at any coordinates, by bilinear interpolation: shifts, rotations, zooms, bends.
 *
 * out[n, i, j, c] = Σ over the four pixels (p, q) beside (y, x)[n, i, j] of
 * (1 − |y − p|) · (1 − |x − q|) · images[n, p, q, c]. Pixel (0, 0) has its middle at y = x = 0.
 *
 * Differentiable by images and by coordinates; where a coordinate is whole, by what lies after it.
 *
 * @param images `[batch, height, width, channels]`, f32.
 * @param y Rows, `[batch, outHeight, outWidth]`, f32, in pixels.
 * @param x Columns, of the shape of `y`, f32, in pixels.
 * @param options {@link SampleImageOptions}.
 * @returns `[batch, outHeight, outWidth, channels]`, f32.
 * @throws {ShapeError} when shapes do not fit, or pictures have no pixels.
 * @throws {RangeError} when `fillMode` is not known, or `fillValue` is not finite.
 *
 * @example
 * ```ts
 * import { sampleImage, tensor } from "@millrace/millrace";
 * import assert from "node:assert/strict";
 *
 * const images = tensor([1, 2, 3, 4]).reshape([1, 2, 2, 1]);
 * const y = tensor([[[0.5, 1]]]);
 * const x = tensor([[[0.5, -0.25]]]);
 * assert.deepEqual([...await sampleImage(images, y, x).data()], [2.5, 3]);
 * ```
 *
 * JAX: `scipy.ndimage.map_coordinates` of order 1, for a batch of pictures with channels (`constant`
 * is as there). PyTorch: `functional.grid_sample`, whose coordinates go from −1 to 1.
 */
export function sampleImage(
  images: Tensor,
  y: Tensor,
  x: Tensor,
  options: SampleImageOptions = {},
): Tensor {
  const { fillMode = "reflect", fillValue = 0 } = options;
  if (!fillModes.includes(fillMode)) {
    throw new RangeError(
      `Cannot apply sampleImage as fillMode must be one of ${fillModes.join(", ")}: received ` +
        JSON.stringify(fillMode),
    );
  }
  if (!Number.isFinite(fillValue)) {
    throw new RangeError(
      `Cannot apply sampleImage as fillValue must be a finite number: received ${fillValue}`,
    );
  }
  const fits = images.rank === 4 && y.rank === 3 && images.shape[0] === y.shape[0] &&
    y.shape.join() === x.shape.join() && images.shape[1] > 0 && images.shape[2] > 0;
  if (!fits) {
    throw new ShapeError(
      `Cannot apply sampleImage as it needs images [batch, height, width, channels] with pixels, and ` +
        `y and x of one shape [batch, outHeight, outWidth]: received ${
          formatShape(images.shape)
        }, ` +
        `${formatShape(y.shape)} and ${formatShape(x.shape)}`,
    );
  }
  return Tensor.node(sampleImageOperation, [images, y, x], { fillMode, fillValue });
}
registerMethod("sampleImage", sampleImage);

function sampleImageGradient(
  grad: Tensor,
  y: Tensor,
  x: Tensor,
  fillMode: FillMode,
  images: Tensor,
): Tensor {
  const sizes = [images.shape[1], images.shape[2]];
  return Tensor.node(sampleImageGradientOperation, [grad, y, x], { fillMode, sizes });
}

/**
 * Gradients of Σ grad · samples by the coordinates: between two whole coordinates samples lie on a
 * line, whose slope is the difference of the samples there.
 */
function slopes(
  grad: Tensor,
  images: Tensor,
  y: Tensor,
  x: Tensor,
  attributes: Attributes,
): [Tensor, Tensor] {
  const at = (row: Tensor, column: Tensor) =>
    Tensor.node(sampleImageOperation, [images, row, column], attributes);
  const [top, left] = [floor(y), floor(x)];
  const weighted = (difference: Tensor) => sum(mul(grad, difference), 3);
  return [
    weighted(sub(at(add(top, 1), x), at(top, x))),
    weighted(sub(at(y, add(left, 1)), at(y, left))),
  ];
}

/** Calls `visit` for the four pixels beside every point, channel by channel; −1 is the fill value. */
function eachNeighbour(
  images: ReferenceArray,
  y: ReferenceArray,
  x: ReferenceArray,
  fillMode: FillMode,
  visit: (from: number, to: number, weight: number) => void,
): void {
  const [, height, width, channels] = images.shape;
  const points = y.shape[1] * y.shape[2];
  y.data.forEach((row, point) => {
    const image = Math.floor(point / points) * height * width;
    for (const [p, above] of pixelsBeside(row, height, fillMode)) {
      for (const [q, beside] of pixelsBeside(x.data[point], width, fillMode)) {
        const pixel = p < 0 || q < 0 ? -1 : image + p * width + q;
        for (let channel = 0; channel < channels; channel++) {
          const from = pixel < 0 ? -1 : pixel * channels + channel;
          visit(from, point * channels + channel, above * beside);
        }
      }
    }
  });
}

function settings(attributes: Attributes): SamplingAttributes {
  return attributes as unknown as SamplingAttributes;
}
