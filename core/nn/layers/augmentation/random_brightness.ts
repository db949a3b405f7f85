import { add } from "../../../ops/add.ts";
import { clip } from "../../../ops/clip.ts";
import { mul } from "../../../ops/mul.ts";
import type { Layer } from "../../layer.ts";
import { type Bounds, type Factor, rangeOf } from "./factor.ts";
import type { Change } from "./image_layer.ts";
import { perPicture } from "./picture_values.ts";
import { valueLayer, type ValueOptions } from "./value_layer.ts";

/**
 * Makes every picture brighter or darker by an amount of its own, in training.
 *
 * y = x + f · (white − black), cut off at black and white. It follows from (seed, step, layer name);
 * in inference y = x.
 *
 * @param factor The least and the most of f, from −1 to 1, or one number for as much either way.
 * @param options Bounds of values, name, seed.
 * @returns A layer of `[batch, height, width, channels]` inputs, without weights.
 * @throws {RangeError} when a factor or the range is wrong.
 *
 * @example
 * ```ts
 * import { input, randomBrightness, sequential } from "@millrace/millrace";
 * import assert from "node:assert/strict";
 *
 * const layer = randomBrightness(0.2, { valueRange: [0, 1] });
 * assert.deepEqual(sequential([input([32, 32, 3]), layer]).outputShape, [32, 32, 3]);
 * ```
 *
 * Keras: `RandomBrightness`.
 */
export function randomBrightness(factor: Factor, options: ValueOptions = {}): Layer {
  return valueLayer(
    { type: "RandomBrightness", factory: "randomBrightness" },
    brightnessChange,
    factor,
    options,
  );
}

/** What changes the brightness of pictures; the factor as of {@link randomBrightness}. */
export function brightnessChange(
  factory: string,
  name: string,
  factor: Factor,
  [black, white]: Bounds,
): Change {
  const range = rangeOf(factory, name, factor, { minimum: -1, maximum: 1 });
  return (x, draws) => {
    const shift = mul(draws.uniform("brightness", range), white - black);
    return clip(add(x, perPicture(shift)), black, white);
  };
}
