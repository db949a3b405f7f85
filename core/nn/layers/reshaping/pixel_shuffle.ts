import { ShapeError } from "../../../graph/errors.ts";
import { formatShape } from "../../../graph/shape.ts";
import { reshape } from "../../../ops/reshape.ts";
import { transpose } from "../../../ops/transpose.ts";
import { checkCount } from "../../check_count.ts";
import type { Layer } from "../../layer.ts";
import type { PlainOptions } from "./plain.ts";

/**
 * Makes pictures larger out of their channels: `[batch, height, width, channels · r²]` becomes `[batch,
 * height · r, width · r, channels]`, as at the end of a network for super-resolution.
 *
 * y[b, h·r + i, w·r + j, c] = x[b, h, w, c·r² + i·r + j].
 *
 * @param upscaleFactor The factor r of both sides, from 1.
 * @param options Name and input shape.
 * @returns A layer without weights.
 * @throws {RangeError} when `upscaleFactor` is not a whole number from 1; the model refuses inputs whose
 * channels r² does not divide with a {@link ShapeError}.
 *
 * @example
 * ```ts
 * import { conv2d, input, pixelShuffle, sequential } from "@millrace/millrace";
 * import assert from "node:assert/strict";
 *
 * const model = sequential([input([8, 8, 3]), conv2d(12, 3, { padding: "same" }), pixelShuffle(2)]);
 * assert.deepEqual(model.outputShape, [16, 16, 3]);
 * ```
 *
 * Source: W. Shi and others, "Real-time single image and video super-resolution using an efficient
 * sub-pixel convolutional neural network", 2016. PyTorch: `nn.PixelShuffle`, of channels first, in the
 * same order of channels. (TensorFlow's `depth_to_space` has channels of the result last in that order.)
 */
export function pixelShuffle(upscaleFactor: number, options: PlainOptions = {}): Layer {
  checkCount("upscaleFactor of pixelShuffle", upscaleFactor, 1);
  const area = upscaleFactor ** 2;
  return {
    type: "PixelShuffle",
    config: { upscaleFactor, ...options },
    name: options.name ?? "",
    inputShape: options.inputShape,
    init(given) {
      const [height, width, channels] = given;
      if (given.length === 3 && channels % area === 0) {
        const outputShape = [height * upscaleFactor, width * upscaleFactor, channels / area];
        return { outputShape, parameters: [] };
      }
      throw new ShapeError(
        `expected inputs of [height, width, channels], the channels a multiple of ${area}, got ` +
          formatShape(given),
      );
    },
    apply(_parameters, x) {
      const [batch, height, width, channels] = x.shape;
      const [r, made] = [upscaleFactor, channels / area];
      const parts = reshape(x, [batch, height, width, made, r, r]);
      return reshape(transpose(parts, [0, 1, 4, 2, 5, 3]), [batch, height * r, width * r, made]);
    },
  };
}
