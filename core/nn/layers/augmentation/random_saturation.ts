import { add } from "../../../ops/add.ts";
import { clip } from "../../../ops/clip.ts";
import { div } from "../../../ops/div.ts";
import { minimum } from "../../../ops/minimum.ts";
import { mul } from "../../../ops/mul.ts";
import { sub } from "../../../ops/sub.ts";
import type { Layer } from "../../layer.ts";
import { type Bounds, type Factor, rangeOf } from "./factor.ts";
import { fromHsv, toHsv } from "./hsv.ts";
import type { Change } from "./image_layer.ts";
import { asShares, checkColors, fromShares, perPicture } from "./picture_values.ts";
import { valueLayer, type ValueOptions } from "./value_layer.ts";

/**
 * Makes the colors of every picture stronger or weaker by an amount of its own, in training.
 *
 * The saturation s of each pixel becomes min(s · f / (1 − f + 1e-7), 1), f even over the factor: 0 leaves
 * no color, 0.5 changes nothing, 1 leaves nothing grey. Hue and value stay. It follows from (seed, step,
 * layer name); in inference y = x.
 *
 * @param factor The least and the most of f, from 0 to 1, or 0 to one number.
 * @param options Bounds of values, name, seed.
 * @returns A layer of `[batch, height, width, 3]` inputs, without weights.
 * @throws {RangeError} when a factor or the range is wrong.
 *
 * @example
 * ```ts
 * import { input, randomSaturation, sequential } from "@millrace/millrace";
 * import assert from "node:assert/strict";
 *
 * const model = sequential([input([32, 32, 3]), randomSaturation([0.4, 0.6])]);
 * assert.deepEqual(model.outputShape, [32, 32, 3]);
 * ```
 *
 * Keras: `RandomSaturation`. PyTorch: the saturation of `torchvision.transforms.ColorJitter`, which goes
 * towards grey of the same brightness.
 */
export function randomSaturation(factor: Factor, options: ValueOptions = {}): Layer {
  return valueLayer(
    { type: "RandomSaturation", factory: "randomSaturation", check: checkColors },
    saturationChange,
    factor,
    options,
  );
}

/** What changes the saturation of pictures; the factor as of {@link randomSaturation}. */
export function saturationChange(
  factory: string,
  name: string,
  factor: Factor,
  bounds: Bounds,
): Change {
  const range = rangeOf(factory, name, factor, { minimum: 0, maximum: 1 });
  return (x, draws) => {
    const share = draws.uniform("saturation", range);
    const strength = perPicture(div(share, add(sub(1, share), 1e-7)));
    const { saturation, ...rest } = toHsv(clip(asShares(x, bounds), 0, 1));
    const stronger = minimum(mul(saturation, strength), 1);
    return fromShares(fromHsv({ saturation: stronger, ...rest }), bounds);
  };
}
