import { type Image, signedImage } from "../../../data/images.ts";
import { ShapeError } from "../../graph/errors.ts";
import { formatShape } from "../../graph/shape.ts";
import type { Model } from "../../nn/model.ts";

/** Options of {@link weightImages}. */
export interface WeightImagesOptions {
  /** Name of the layer; default the first one that has a kernel. */
  readonly layer?: string;
  /** Height and width of the images that a dense layer takes as rows; default a square. */
  readonly size?: readonly [height: number, width: number];
}

/**
 * What the units of a first layer look for: the weights of each, as a picture.
 *
 * Where it is red, ink makes the unit's sum larger, where it is blue smaller.
 *
 * @param model The model.
 * @param options Which layer, and the size of the images.
 * @returns A picture for each unit of a dense layer, or for each filter of a convolution of one
 * channel.
 * @throws {ShapeError} when the layer's kernel is no pictures of that size.
 *
 * @example
 * ```ts
 * import { dense, input, sequential, weightImages } from "@millrace/millrace";
 * import assert from "node:assert/strict";
 *
 * const images = weightImages(sequential([input([784]), dense(16), dense(10)]));
 * assert.deepEqual([images.length, images[0].width, images[0].height], [16, 28, 28]);
 * ```
 */
export function weightImages(model: Model, options: WeightImagesOptions = {}): Image[] {
  const place = options.layer === undefined
    ? model.structure.find(({ weights }) => weights.has("kernel"))
    : model.getLayer(options.layer);
  const kernel = place?.weights.get("kernel");
  const shape = kernel?.shape ?? [];
  const units = shape[shape.length - 1];
  const side = Math.sqrt(shape[0]);
  const [height, width] = shape.length === 4 ? shape : options.size ?? [side, side];
  const fits = shape.length === 4 ? shape[2] === 1 : shape.length === 2;
  if (!kernel || !fits || height * width * units !== kernel.size) {
    throw new ShapeError(
      `Cannot draw the weights of ${place?.name ?? model.name} as its kernel must be of shape ` +
        `[height * width, units] or [height, width, 1, filters]: received ${formatShape(shape)} ` +
        `(give the size of the images)`,
    );
  }
  return Array.from({ length: units }, (_, unit) => {
    const values = Float32Array.from(
      { length: height * width },
      (_, at) => kernel.value[at * units + unit],
    );
    return signedImage(values, { width, height });
  });
}
