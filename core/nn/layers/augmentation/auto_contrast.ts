import { clip } from "../../../ops/clip.ts";
import type { Tensor } from "../../../graph/tensor.ts";
import type { Layer } from "../../layer.ts";
import type { PlainOptions } from "../reshaping/plain.ts";
import { type Bounds, orderedPair } from "./factor.ts";
import { imageLayer } from "./image_layer.ts";
import { stretched } from "./picture_values.ts";

/** Options of layers that look at how values are spread, with bounds of them. */
export interface SpreadOptions extends PlainOptions {
  /** The values of black and of white, where results are cut off; default [0, 255]. */
  readonly valueRange?: Bounds;
}

/**
 * Stretches each channel of every picture from black to white, in training and in inference.
 *
 * y = (x − low) / (high − low) · (white − black) + black, with low and high the least and the greatest
 * value of a picture's channel; a channel of one value stays as it is.
 *
 * @param options Bounds of values, name and input shape.
 * @returns A layer of `[batch, height, width, channels]` inputs, without weights.
 * @throws {RangeError} when the range is wrong.
 *
 * @example
 * ```ts
 * import { autoContrast, input, predict, sequential } from "@millrace/millrace";
 * import assert from "node:assert/strict";
 *
 * const model = sequential([input([1, 3, 1]), autoContrast({ valueRange: [0, 1] })]);
 * const x = { data: Float32Array.of(0.25, 0.5, 0.75), shape: [1, 1, 3, 1] };
 * const { data } = await predict(model, x, { device: "reference" });
 * assert.deepEqual([...data], [0, 0.5, 1]);
 * ```
 *
 * Keras: `AutoContrast`. PyTorch: `torchvision.transforms.RandomAutocontrast(1)`, for training alone.
 */
export function autoContrast(options: SpreadOptions = {}): Layer {
  const factory = "autoContrast";
  const range = orderedPair(factory, "valueRange", options.valueRange ?? [0, 255]);
  const rest = (x: Tensor) => clip(stretched(x, range), ...range);
  return imageLayer(
    { type: "AutoContrast", factory, config: { ...options }, change: rest, rest },
    options,
  );
}
