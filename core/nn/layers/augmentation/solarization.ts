import { add } from "../../../ops/add.ts";
import { clip } from "../../../ops/clip.ts";
import { less } from "../../../ops/less.ts";
import { select } from "../../../ops/select.ts";
import { sub } from "../../../ops/sub.ts";
import type { Layer } from "../../layer.ts";
import { type Factor, orderedPair, rangeOf } from "./factor.ts";
import { imageLayer } from "./image_layer.ts";
import { asShares, fromShares, perPicture } from "./picture_values.ts";
import type { ValueOptions } from "./value_layer.ts";

/** Options of {@link solarization}. */
export interface SolarizationOptions extends ValueOptions {
  /** What is added first, as a share of white − black: the least and the most, or 0 to one number; default 0. */
  readonly additionFactor?: Factor;
  /** Where values begin to be mirrored, as a share: the least and the most, or 0 to one number; default 0. */
  readonly thresholdFactor?: Factor;
}

/**
 * Mirrors what is bright in every picture, as film that has seen too much light, in training.
 *
 * With values as shares v of the way from black to white: v ← min(v + a, 1), and y = 1 − v where v is
 * not below t, else v; a and t even over the two factors, for each picture. By default all values are
 * mirrored. It follows from (seed, step, layer name); in inference y = x.
 *
 * @param options {@link SolarizationOptions}.
 * @returns A layer of `[batch, height, width, channels]` inputs, without weights.
 * @throws {RangeError} when a factor or the range is wrong.
 *
 * @example
 * ```ts
 * import { input, sequential, solarization } from "@millrace/millrace";
 * import assert from "node:assert/strict";
 *
 * const layer = solarization({ thresholdFactor: [0.5, 0.9], valueRange: [0, 1] });
 * assert.deepEqual(sequential([input([32, 32, 3]), layer]).outputShape, [32, 32, 3]);
 * ```
 *
 * Keras: `Solarization`, whose lower bounds of factors are not multiplied by 255 as the upper ones are.
 * PyTorch: `torchvision.transforms.RandomSolarize`.
 */
export function solarization(options: SolarizationOptions = {}): Layer {
  const factory = "solarization";
  const shares = { minimum: 0, maximum: 1 };
  const addition = rangeOf(factory, "additionFactor", options.additionFactor ?? 0, shares);
  const threshold = rangeOf(factory, "thresholdFactor", options.thresholdFactor ?? 0, shares);
  const range = orderedPair(factory, "valueRange", options.valueRange ?? [0, 255]);
  return imageLayer({
    type: "Solarization",
    factory,
    config: { ...options },
    change(x, draws) {
      const more = perPicture(draws.uniform("addition", addition));
      const values = clip(add(asShares(x, range), more), 0, 1);
      const limit = perPicture(draws.uniform("threshold", threshold));
      return fromShares(select(less(values, limit), values, sub(1, values)), range);
    },
  }, options);
}
