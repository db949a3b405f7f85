import type { Layer } from "../../layer.ts";
import { checkCount } from "../../check_count.ts";
import { checkPlaces } from "../convolution/geometry.ts";
import type { PlainOptions } from "../reshaping/plain.ts";
import { largestWindow, middleWindow, resized } from "./window.ts";

/**
 * Cuts the middle out of every picture, in training and in inference.
 *
 * Where a picture is smaller than the part, it is the largest part in the middle that has the wanted
 * proportions, brought to the wanted size by bilinear interpolation.
 *
 * @param height Rows, a whole number from 1.
 * @param width Columns, a whole number from 1.
 * @param options Name and input shape.
 * @returns A layer from `[batch, rows, columns, channels]` to `[batch, height, width, channels]`, without
 * weights.
 * @throws {RangeError} when a size is not a whole number from 1.
 *
 * @example
 * ```ts
 * import { centerCrop, input, sequential } from "@millrace/millrace";
 * import assert from "node:assert/strict";
 *
 * const model = sequential([input([32, 30, 3]), centerCrop(28, 28)]);
 * assert.deepEqual(model.outputShape, [28, 28, 3]);
 * ```
 *
 * Keras: `CenterCrop`. PyTorch: `torchvision.transforms.CenterCrop`, which pads small pictures.
 */
export function centerCrop(height: number, width: number, options: PlainOptions = {}): Layer {
  checkCount("the height of centerCrop", height, 1);
  checkCount("the width of centerCrop", width, 1);
  return {
    type: "CenterCrop",
    name: options.name ?? "",
    inputShape: options.inputShape,
    config: { height, width, ...options },
    init(given) {
      checkPlaces(2, given);
      return { outputShape: [height, width, given[2]], parameters: [] };
    },
    apply(_parameters, x) {
      const fits = x.shape[1] >= height && x.shape[2] >= width;
      const window = fits ? middleWindow(x, height, width) : largestWindow(x, height, width);
      return resized(x, window, height, width);
    },
  };
}
