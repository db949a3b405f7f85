import { clip } from "../../../ops/clip.ts";
import { mean } from "../../../ops/sum.ts";
import type { Layer } from "../../layer.ts";
import type { Bounds, Factor } from "./factor.ts";
import type { Change } from "./image_layer.ts";
import { perPicture, towards } from "./picture_values.ts";
import { valueLayer, type ValueOptions } from "./value_layer.ts";
import { checkScalar } from "../../check_scalar.ts";

/**
 * Changes the contrast of every picture by an amount of its own, in training.
 *
 * y = (x − m) · f + m, cut off at `valueRange`, with m the mean of a picture's channel and f even over
 * 1 − lower to 1 + upper. It follows from (seed, step, layer name); in inference y = x.
 *
 * @param factor Lower and upper, each from 0 to 1, or one number for both.
 * @param options Bounds of values, name, seed.
 * @returns A layer of `[batch, height, width, channels]` inputs, without weights.
 * @throws {RangeError} when a factor or the range is wrong.
 *
 * @example
 * ```ts
 * import { input, randomContrast, sequential } from "@millrace/millrace";
 * import assert from "node:assert/strict";
 *
 * const model = sequential([input([32, 32, 3]), randomContrast([0.5, 0.2])]);
 * assert.deepEqual(model.outputShape, [32, 32, 3]);
 * ```
 *
 * Keras: `RandomContrast`.
 */
export function randomContrast(factor: Factor, options: ValueOptions = {}): Layer {
  return valueLayer(
    { type: "RandomContrast", factory: "randomContrast" },
    contrastChange,
    factor,
    options,
  );
}

/** What changes the contrast of pictures; the factor as of {@link randomContrast}. */
export function contrastChange(
  factory: string,
  name: string,
  factor: Factor,
  [black, white]: Bounds,
): Change {
  const [lower, upper] = (typeof factor === "number" ? [factor, factor] : factor).map((share) =>
    checkScalar(`${name} of ${factory}`, share, { minimum: 0, maximum: 1 })
  );
  return (x, draws) => {
    const strength = perPicture(draws.uniform("contrast", [1 - lower, 1 + upper]));
    return clip(towards(mean(x, [1, 2], { keepDims: true }), x, strength), black, white);
  };
}
