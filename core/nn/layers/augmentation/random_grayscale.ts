import { broadcastTo } from "../../../ops/sum.ts";
import { less } from "../../../ops/less.ts";
import { select } from "../../../ops/select.ts";
import { checkScalar } from "../../check_scalar.ts";
import { checkColors, greyOf, perPicture } from "./picture_values.ts";
import type { Layer } from "../../layer.ts";

import { type AugmentationOptions, imageLayer } from "./image_layer.ts";

/**
 * Takes the color out of some of the pictures, in training.
 *
 * y = 0.2989 red + 0.587 green + 0.114 blue in all three channels, for as large a part of the pictures as
 * `factor` says. It follows from (seed, step, layer name); in inference y = x.
 *
 * @param factor How probable it is for a picture, from 0 to 1; default 0.5.
 * @param options Name and seed.
 * @returns A layer of `[batch, height, width, 3]` inputs, without weights.
 * @throws {RangeError} when a factor is wrong.
 *
 * @example
 * ```ts
 * import { input, randomGrayscale, sequential } from "@millrace/millrace";
 * import assert from "node:assert/strict";
 *
 * const model = sequential([input([32, 32, 3]), randomGrayscale(0.2)]);
 * assert.deepEqual(model.outputShape, [32, 32, 3]);
 * ```
 *
 * Keras: `RandomGrayscale`, which acts in inference, too. PyTorch:
 * `torchvision.transforms.RandomGrayscale`.
 */
export function randomGrayscale(factor = 0.5, options: AugmentationOptions = {}): Layer {
  const factory = "randomGrayscale";
  checkScalar(`factor of ${factory}`, factor, { minimum: 0, maximum: 1 });
  return imageLayer({
    type: "RandomGrayscale",
    factory,
    config: { factor, ...options },
    check: checkColors,
    change(x, draws) {
      const chosen = perPicture(less(draws.uniform("threshold", [0, 1]), factor));
      return select(chosen, broadcastTo(greyOf(x), x.shape), x);
    },
  }, options);
}
