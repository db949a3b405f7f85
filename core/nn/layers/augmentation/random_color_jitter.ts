import type { Layer } from "../../layer.ts";
import { type Bounds, type Factor, orderedPair } from "./factor.ts";
import { type Change, imageLayer } from "./image_layer.ts";
import { checkColors } from "./picture_values.ts";
import { brightnessChange } from "./random_brightness.ts";
import { contrastChange } from "./random_contrast.ts";
import { hueChange } from "./random_hue.ts";
import { saturationChange } from "./random_saturation.ts";
import type { ValueOptions } from "./value_layer.ts";

/** Options of {@link randomColorJitter}: what is left out does not change. */
export interface RandomColorJitterOptions extends ValueOptions {
  /** As the factor of {@link randomBrightness}. */
  readonly brightnessFactor?: Factor;
  /** As the factor of {@link randomContrast}. */
  readonly contrastFactor?: Factor;
  /** As the factor of {@link randomSaturation}: 0.5 changes nothing. */
  readonly saturationFactor?: Factor;
  /** As the factor of {@link randomHue}. */
  readonly hueFactor?: Factor;
}

/** What each factor changes, in the order in which it is done. */
const changes = {
  brightnessFactor: brightnessChange,
  contrastFactor: contrastChange,
  saturationFactor: saturationChange,
  hueFactor: hueChange,
} as const satisfies Partial<
  Record<
    keyof RandomColorJitterOptions,
    (factory: string, name: string, factor: Factor, bounds: Bounds) => Change
  >
>;

/**
 * Changes brightness, contrast, saturation and hue of every picture, one after the other and each by
 * an amount of its own, in training.
 *
 * The changes are those of {@link randomBrightness}, {@link randomContrast}, {@link randomSaturation} and
 * {@link randomHue}. They follow from (seed, step, layer name); in inference y = x.
 *
 * @param options {@link RandomColorJitterOptions}.
 * @returns A layer of `[batch, height, width, 3]` inputs, without weights.
 * @throws {RangeError} when a factor or the range is wrong, or no factor is given.
 *
 * @example
 * ```ts
 * import { input, randomColorJitter, sequential } from "@millrace/millrace";
 * import assert from "node:assert/strict";
 *
 * const jitter = randomColorJitter({ brightnessFactor: 0.2, hueFactor: 0.1, valueRange: [0, 1] });
 * assert.deepEqual(sequential([input([32, 32, 3]), jitter]).outputShape, [32, 32, 3]);
 * assert.throws(() => randomColorJitter(), /needs a factor/);
 * ```
 *
 * Keras: `RandomColorJitter`. PyTorch: `torchvision.transforms.ColorJitter`, in an order by chance.
 */
export function randomColorJitter(options: RandomColorJitterOptions = {}): Layer {
  const factory = "randomColorJitter";
  const bounds = orderedPair(factory, "valueRange", options.valueRange ?? [0, 255]);
  const names = Object.keys(changes) as (keyof typeof changes)[];
  const chosen = names.flatMap((name) => {
    const { [name]: factor } = options;
    return factor === undefined ? [] : [changes[name](factory, name, factor, bounds)];
  });
  if (chosen.length === 0) {
    throw new RangeError(`Cannot make ${factory} as it needs a factor: give ${names.join(", ")}`);
  }
  return imageLayer({
    type: "RandomColorJitter",
    factory,
    config: { ...options },
    check: checkColors,
    change: (x, draws) => chosen.reduce((pictures, change) => change(pictures, draws), x),
  }, options);
}
