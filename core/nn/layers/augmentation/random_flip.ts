import type { Layer } from "../../layer.ts";
import { samplerOf, transformed } from "./affine.ts";
import { type AugmentationOptions, imageLayer } from "./image_layer.ts";

/** Ways to mirror a picture. */
export type FlipMode = "horizontal" | "vertical" | "horizontal_and_vertical";

const modes: readonly FlipMode[] = ["horizontal", "vertical", "horizontal_and_vertical"];

/**
 * Mirrors half of the pictures, by chance, in training: left and right exchanged, or turned upside
 * down, or each by a chance of its own.
 *
 * Pictures follow from (seed, step, layer name), on every device alike; in inference y = x.
 *
 * @param mode `horizontal` (left and right), `vertical`, or `horizontal_and_vertical`, the default.
 * @param options Name, seed.
 * @returns A layer of `[batch, height, width, channels]` inputs, without weights.
 * @throws {RangeError} when the mode is not known.
 *
 * @example
 * ```ts
 * import { input, randomFlip, sequential } from "@millrace/millrace";
 * import assert from "node:assert/strict";
 *
 * const model = sequential([input([32, 32, 3]), randomFlip("horizontal")]);
 * assert.deepEqual(model.outputShape, [32, 32, 3]);
 * ```
 *
 * Keras: `RandomFlip`. PyTorch: `torchvision.transforms.RandomHorizontalFlip`.
 */
export function randomFlip(
  mode: FlipMode = "horizontal_and_vertical",
  options: AugmentationOptions = {},
): Layer {
  if (!modes.includes(mode)) {
    throw new RangeError(
      `Cannot make randomFlip as mode must be one of ${modes.join(", ")}: received ` +
        JSON.stringify(mode),
    );
  }
  const ranges = { mirrored: mode !== "vertical", upsideDown: mode !== "horizontal" };
  const sample = samplerOf("randomFlip", {});
  return imageLayer({
    type: "RandomFlip",
    factory: "randomFlip",
    config: { mode, ...options },
    change: (x, draws) => transformed(x, ranges, draws, sample),
  }, options);
}
