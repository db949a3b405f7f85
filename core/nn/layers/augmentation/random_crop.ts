import { iota } from "../../../graph/leaf.ts";
import type { Tensor } from "../../../graph/tensor.ts";
import { add } from "../../../ops/add.ts";
import { minimum } from "../../../ops/minimum.ts";
import { floor } from "../../../ops/round.ts";
import { sampleImage } from "../../../ops/sample_image.ts";
import { broadcastTo } from "../../../ops/sum.ts";
import { checkCount } from "../../check_count.ts";
import type { Layer } from "../../layer.ts";
import { type AugmentationOptions, imageLayer } from "./image_layer.ts";
import { largestWindow, resized } from "./window.ts";

/**
 * Cuts a part of that size out of every picture, at a place of its own, in training.
 *
 * In inference, and where a picture is smaller than the part, it is the largest part in the middle
 * that has the wanted proportions, brought to the wanted size by bilinear interpolation. Places
 * follow from (seed, step, layer name), on every device alike.
 *
 * @param height Rows, a whole number from 1.
 * @param width Columns, a whole number from 1.
 * @param options Name, seed.
 * @returns A layer from `[batch, rows, columns, channels]` to `[batch, height, width, channels]`, without
 * weights.
 * @throws {RangeError} when a size is not a whole number from 1.
 *
 * @example
 * ```ts
 * import { input, randomCrop, sequential } from "@millrace/millrace";
 * import assert from "node:assert/strict";
 *
 * const model = sequential([input([32, 32, 3]), randomCrop(28, 24)]);
 * assert.deepEqual(model.outputShape, [28, 24, 3]);
 * ```
 *
 * Keras: `RandomCrop`, which takes one place for a whole batch. PyTorch:
 * `torchvision.transforms.RandomCrop`.
 */
export function randomCrop(
  height: number,
  width: number,
  options: AugmentationOptions = {},
): Layer {
  checkCount("the height of randomCrop", height, 1);
  checkCount("the width of randomCrop", width, 1);
  const middle = (x: Tensor) => resized(x, largestWindow(x, height, width), height, width);
  return imageLayer({
    type: "RandomCrop",
    factory: "randomCrop",
    config: { height, width, ...options },
    sizes: () => [height, width],
    rest: middle,
    change(x, draws) {
      const [batch, rows, columns] = x.shape;
      if (rows < height || columns < width) return middle(x);
      const along = (axis: 1 | 2, name: string, left: number, size: number) => {
        // Rounding may give the number that lies one too high.
        const start = minimum(floor(draws.uniform(name, [0, left + 1])), left);
        const positions = add(start, iota([1, 1, 1].with(axis, size), axis, "f32"));
        return broadcastTo(positions, [batch, height, width]);
      };
      const y = along(1, "height", rows - height, height);
      const places = along(2, "width", columns - width, width);
      return sampleImage(x, y, places, { fillMode: "nearest" });
    },
  }, options);
}
