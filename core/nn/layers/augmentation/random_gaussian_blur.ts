import { iota } from "../../../graph/leaf.ts";
import type { Tensor } from "../../../graph/tensor.ts";
import { add } from "../../../ops/add.ts";
import { cast } from "../../../ops/cast.ts";
import { clip } from "../../../ops/clip.ts";
import { slice } from "../../../ops/concat.ts";
import { div } from "../../../ops/div.ts";
import { exp } from "../../../ops/exp.ts";
import { greaterEqual } from "../../../ops/greater_equal.ts";
import { less } from "../../../ops/less.ts";
import { logicalAnd } from "../../../ops/logical.ts";
import { mul } from "../../../ops/mul.ts";
import { select } from "../../../ops/select.ts";
import { pad } from "../../../ops/stack.ts";
import type { Layer } from "../../layer.ts";
import { axes, type AxisSizes } from "../convolution/geometry.ts";
import { type Factor, orderedPair, rangeOf } from "./factor.ts";
import { imageLayer } from "./image_layer.ts";
import { chosenBy, perPicture } from "./picture_values.ts";
import type { ValueOptions } from "./value_layer.ts";

/** Options of {@link randomGaussianBlur}. */
export interface RandomGaussianBlurOptions extends ValueOptions {
  /** How probable it is, from 0 to 1: the least and the most, or 0 to one number; default 1. */
  readonly factor?: Factor;
  /** Pixels of the window, an odd number, or one for height and one for width; default 3. */
  readonly kernelSize?: AxisSizes;
  /** Standard deviation in pixels: the least and the most, or 0 to one number; default 1. */
  readonly sigma?: Factor;
}

/**
 * Blurs some of the pictures, in training.
 *
 * y = Σ x[i + t] · exp(−t² / 2σ²) / Σ exp(−t² / 2σ²) along both axes, over the pixels of the window that
 * are in the picture, cut off at `valueRange`; σ is even over `sigma`, one for each picture and axis.
 * It follows from (seed, step, layer name); in inference y = x.
 *
 * @param options {@link RandomGaussianBlurOptions}.
 * @returns A layer of `[batch, height, width, channels]` inputs, without weights.
 * @throws {RangeError} when a factor, a size, sigma or the range is wrong.
 *
 * @example
 * ```ts
 * import { input, randomGaussianBlur, sequential } from "@millrace/millrace";
 * import assert from "node:assert/strict";
 *
 * const layer = randomGaussianBlur({ factor: [0.5, 0.5], kernelSize: 5, sigma: [0.1, 2] });
 * assert.deepEqual(sequential([input([32, 32, 3]), layer]).outputShape, [32, 32, 3]);
 * ```
 *
 * Keras: `RandomGaussianBlur`, with zeros around and one σ for a batch. PyTorch:
 * `torchvision.transforms.GaussianBlur`, with a mirrored border.
 */
export function randomGaussianBlur(options: RandomGaussianBlurOptions = {}): Layer {
  const factory = "randomGaussianBlur";
  const chance = rangeOf(factory, "factor", options.factor ?? 1, { minimum: 0, maximum: 1 });
  const sigma = rangeOf(factory, "sigma", options.sigma ?? 1, { minimum: 0, maximum: Infinity });
  const range = orderedPair(factory, "valueRange", options.valueRange ?? [0, 255]);
  const size = axes(factory, "kernelSize", 2, options.kernelSize ?? 3);
  if (size.some((taps) => taps % 2 === 0)) {
    throw new RangeError(
      `Cannot make ${factory} as kernelSize must be odd, with a pixel in the middle: received ` +
        `[${size.join(", ")}]`,
    );
  }
  return imageLayer({
    type: "RandomGaussianBlur",
    factory,
    config: { ...options },
    change(x, draws) {
      const [tall, wide] = ["sigma_height", "sigma_width"].map((name) =>
        perPicture(draws.uniform(name, sigma))
      );
      const blurred = blurredAlong(blurredAlong(x, 1, size[0], tall), 2, size[1], wide);
      return select(perPicture(chosenBy(draws, chance)), clip(blurred, ...range), x);
    },
  }, options);
}

/** What a standard deviation of 0 is taken for, as it divides. */
const smallest = 1e-6;

function blurredAlong(x: Tensor, axis: 1 | 2, taps: number, sigma: Tensor): Tensor {
  const reach = (taps - 1) / 2;
  const length = x.shape[axis];
  const around = pad(x, x.shape.map((_, place) => place === axis ? [reach, reach] : [0, 0]));
  const at = iota([1, 1, 1, 1].with(axis, length), axis, "f32");
  const parts = Array.from({ length: taps }, (_, tap) => {
    const distance = div(tap - reach, add(sigma, smallest));
    const weight = exp(mul(mul(distance, distance), -0.5));
    const from = x.shape.map((_, place) => place === axis ? tap : 0);
    const to = x.shape.map((end, place) => place === axis ? end + tap : end);
    const place = add(at, tap - reach);
    const isThere = cast(logicalAnd(greaterEqual(place, 0), less(place, length)), "f32");
    return { sum: mul(slice(around, from, to), weight), weight: mul(isThere, weight) };
  });
  const total = (name: "sum" | "weight") =>
    parts.map(({ [name]: part }) => part).reduce((sum, part) => add(sum, part));
  return div(total("sum"), total("weight"));
}
