import type { Layer } from "../../layer.ts";
import { type AffineRanges, samplerOf, type SamplingOptions, transformed } from "./affine.ts";
import { type Factor, rangeOf } from "./factor.ts";
import { imageLayer } from "./image_layer.ts";

/** Options of {@link randomAffine}: what is left out does not change. */
export interface RandomAffineOptions extends SamplingOptions {
  /** Shift downwards as a share of the height, as in `randomTranslation`. */
  readonly heightFactor?: Factor;
  /** Shift to the right as a share of the width. */
  readonly widthFactor?: Factor;
  /** Angle counter-clockwise as a share of a full turn, as in `randomRotation`. */
  readonly rotationFactor?: Factor;
  /** How far a row leans to the right for its height above the middle: 1 is 45 degrees. */
  readonly shearFactor?: Factor;
  /** Zoom of height and width together, as in `randomZoom`. */
  readonly zoomFactor?: Factor;
}

/**
 * Shifts, turns, leans and zooms every picture by amounts of its own, in training, in one sampling:
 * what `randomTranslation`, `randomRotation` and `randomZoom` do one after the other, at a third of
 * the work, and blurred once instead of three times.
 *
 * Pictures follow from (seed, step, layer name), on every device alike; in inference y = x.
 *
 * @param options {@link RandomAffineOptions}.
 * @returns A layer of `[batch, height, width, channels]` inputs, without weights.
 * @throws {RangeError} when a factor is out of range, no factor is given, or an option is not known.
 *
 * @example
 * ```ts
 * import { input, randomAffine, sequential } from "@millrace/millrace";
 * import assert from "node:assert/strict";
 *
 * const wobble = randomAffine({ heightFactor: 0.1, widthFactor: 0.1, rotationFactor: 0.03 });
 * assert.deepEqual(sequential([input([28, 28, 1]), wobble]).outputShape, [28, 28, 1]);
 * assert.throws(() => randomAffine({}), /needs a factor/);
 * ```
 *
 * PyTorch: `torchvision.transforms.RandomAffine`. Keras has it as three layers and `RandomShear`.
 */
export function randomAffine(options: RandomAffineOptions): Layer {
  const factory = "randomAffine";
  const range = (name: keyof RandomAffineOptions) => {
    const factor = options[name] as Factor | undefined;
    return factor === undefined
      ? undefined
      : rangeOf(factory, name, factor, { minimum: -1, maximum: 1 });
  };
  const heightZoom = range("zoomFactor");
  const ranges: AffineRanges = {
    height: range("heightFactor"),
    width: range("widthFactor"),
    rotation: range("rotationFactor"),
    shear: range("shearFactor"),
    heightZoom,
    widthZoom: heightZoom && "same",
  };
  if (Object.values(ranges).every((value) => value === undefined)) {
    throw new RangeError(
      `Cannot make randomAffine as it needs a factor: give heightFactor, widthFactor, ` +
        `rotationFactor, shearFactor or zoomFactor`,
    );
  }
  const sample = samplerOf(factory, options);
  return imageLayer({
    type: "RandomAffine",
    factory,
    config: { ...options },
    change: (x, draws) => transformed(x, ranges, draws, sample),
  }, options);
}
