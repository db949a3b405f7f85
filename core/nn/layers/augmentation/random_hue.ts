import { add } from "../../../ops/add.ts";
import { clip } from "../../../ops/clip.ts";
import { less } from "../../../ops/less.ts";
import { mul } from "../../../ops/mul.ts";
import { select } from "../../../ops/select.ts";
import type { Layer } from "../../layer.ts";
import { type Bounds, type Factor, rangeOf } from "./factor.ts";
import { fromHsv, toHsv } from "./hsv.ts";
import type { Change } from "./image_layer.ts";
import { asShares, checkColors, fromShares, perPicture } from "./picture_values.ts";
import { valueLayer, type ValueOptions } from "./value_layer.ts";

/**
 * Turns the colors of every picture around the circle of hues, by an angle of its own, in training.
 *
 * The hue of each pixel is moved by f/2 of the whole circle, f even over the factor, one way or the other by
 * chance; saturation and value stay. It follows from (seed, step, layer name); in inference y = x.
 *
 * @param factor The least and the most of f, from 0 to 1, or 0 to one number.
 * @param options Bounds of values, name, seed.
 * @returns A layer of `[batch, height, width, 3]` inputs, without weights.
 * @throws {RangeError} when a factor or the range is wrong.
 *
 * @example
 * ```ts
 * import { input, randomHue, sequential } from "@millrace/millrace";
 * import assert from "node:assert/strict";
 *
 * const model = sequential([input([32, 32, 3]), randomHue(0.2)]);
 * assert.deepEqual(model.outputShape, [32, 32, 3]);
 * ```
 *
 * Keras: `RandomHue`. PyTorch: the hue of `torchvision.transforms.ColorJitter`, half as large for the same angle.
 */
export function randomHue(factor: Factor, options: ValueOptions = {}): Layer {
  return valueLayer(
    { type: "RandomHue", factory: "randomHue", check: checkColors },
    hueChange,
    factor,
    options,
  );
}

/** What changes the hue of pictures; the factor as of {@link randomHue}. */
export function hueChange(
  factory: string,
  name: string,
  factor: Factor,
  bounds: Bounds,
): Change {
  const range = rangeOf(factory, name, factor, { minimum: 0, maximum: 1 });
  return (x, draws) => {
    const amount = draws.uniform("hue", range);
    const side = select(less(draws.uniform("hue_side", [0, 1]), 0.5), -3, 3);
    const { hue, ...rest } = toHsv(clip(asShares(x, bounds), 0, 1));
    return fromShares(fromHsv({ hue: add(hue, perPicture(mul(amount, side))), ...rest }), bounds);
  };
}
