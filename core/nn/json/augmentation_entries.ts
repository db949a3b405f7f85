import type { Layer } from "../layer.ts";
import * as layers from "../layers/augmentation/mod.ts";
import type { PlainOptions } from "../layers/reshaping/plain.ts";
import { entry, type LayerEntry, plain } from "./layer_entry.ts";
import { flag, number, numbers, oneOrMore, type OptionReaders, text } from "./option_readers.ts";

interface Sizes {
  readonly height: number;
  readonly width: number;
}

const random: OptionReaders<layers.AugmentationOptions> = { ...plain, seed: number };
const sampling: OptionReaders<layers.SamplingOptions> = {
  ...random,
  fillMode: text,
  interpolation: text,
  fillValue: number,
};
const values: OptionReaders<layers.ValueOptions> = { ...random, valueRange: numbers };
const spread: OptionReaders<layers.SpreadOptions> = { ...plain, valueRange: numbers };
const sizes: OptionReaders<Sizes> = { height: number, width: number };

/** A layer whose values change by one factor. */
function byFactor(
  factory: (factor: layers.Factor, options: layers.ValueOptions) => Layer,
): LayerEntry {
  return entry<layers.ValueOptions & { factor: layers.Factor }>(
    { ...values, factor: oneOrMore },
    ({ factor, ...options }) => factory(factor, options),
  );
}

/** Layers that change pictures, by type. */
export const augmentationEntries: Readonly<Record<string, LayerEntry>> = {
  AugMix: entry<layers.AugMixOptions>({
    ...sampling,
    valueRange: numbers,
    numChains: number,
    chainDepth: number,
    factor: number,
    alpha: number,
    allOps: flag,
  }, layers.augMix),
  AutoContrast: entry<layers.SpreadOptions>(spread, layers.autoContrast),
  CenterCrop: entry<PlainOptions & Sizes>(
    { ...plain, ...sizes },
    ({ height, width, ...options }) => layers.centerCrop(height, width, options),
  ),
  Equalization: entry<layers.EqualizationOptions>(
    { ...spread, bins: number },
    layers.equalization,
  ),
  RandAugment: entry<layers.RandAugmentOptions>(
    { ...sampling, valueRange: numbers, numOps: number, factor: number },
    layers.randAugment,
  ),
  RandomAffine: entry<layers.RandomAffineOptions>({
    ...sampling,
    heightFactor: oneOrMore,
    widthFactor: oneOrMore,
    rotationFactor: oneOrMore,
    shearFactor: oneOrMore,
    zoomFactor: oneOrMore,
  }, layers.randomAffine),
  RandomBrightness: byFactor(layers.randomBrightness),
  RandomColorDegeneration: byFactor(layers.randomColorDegeneration),
  RandomColorJitter: entry<layers.RandomColorJitterOptions>({
    ...values,
    brightnessFactor: oneOrMore,
    contrastFactor: oneOrMore,
    saturationFactor: oneOrMore,
    hueFactor: oneOrMore,
  }, layers.randomColorJitter),
  RandomContrast: byFactor(layers.randomContrast),
  RandomCrop: entry<layers.AugmentationOptions & Sizes>(
    { ...random, ...sizes },
    ({ height, width, ...options }) => layers.randomCrop(height, width, options),
  ),
  RandomElasticTransform: entry<layers.RandomElasticTransformOptions>(
    { ...sampling, factor: oneOrMore, scale: oneOrMore },
    layers.randomElasticTransform,
  ),
  RandomErasing: entry<layers.RandomErasingOptions>(
    { ...values, factor: oneOrMore, scale: numbers, fillValue: number },
    layers.randomErasing,
  ),
  RandomFlip: entry<layers.AugmentationOptions & { mode: layers.FlipMode }>(
    { ...random, mode: text },
    ({ mode, ...options }) => layers.randomFlip(mode, options),
  ),
  RandomGaussianBlur: entry<layers.RandomGaussianBlurOptions>(
    { ...values, factor: oneOrMore, kernelSize: oneOrMore, sigma: oneOrMore },
    layers.randomGaussianBlur,
  ),
  RandomGrayscale: entry<layers.AugmentationOptions & { factor: number }>(
    { ...random, factor: number },
    ({ factor, ...options }) => layers.randomGrayscale(factor, options),
  ),
  RandomHue: byFactor(layers.randomHue),
  RandomInvert: byFactor(layers.randomInvert),
  RandomPerspective: entry<layers.RandomPerspectiveOptions>(
    { ...sampling, factor: oneOrMore, scale: number },
    layers.randomPerspective,
  ),
  RandomPosterization: byFactor(layers.randomPosterization),
  RandomRotation: entry<layers.SamplingOptions & { factor: layers.Factor }>(
    { ...sampling, factor: oneOrMore },
    ({ factor, ...options }) => layers.randomRotation(factor, options),
  ),
  RandomSaturation: byFactor(layers.randomSaturation),
  RandomSharpness: byFactor(layers.randomSharpness),
  RandomShear: entry<layers.SamplingOptions & { xFactor: layers.Factor; yFactor: layers.Factor }>(
    { ...sampling, xFactor: oneOrMore, yFactor: oneOrMore },
    ({ xFactor, yFactor, ...options }) => layers.randomShear(xFactor, yFactor, options),
  ),
  RandomTranslation: entry<
    layers.SamplingOptions & { heightFactor: layers.Factor; widthFactor: layers.Factor }
  >(
    { ...sampling, heightFactor: oneOrMore, widthFactor: oneOrMore },
    ({ heightFactor, widthFactor, ...options }) =>
      layers.randomTranslation(heightFactor, widthFactor, options),
  ),
  RandomZoom: entry<layers.RandomZoomOptions & { heightFactor: layers.Factor }>(
    { ...sampling, heightFactor: oneOrMore, widthFactor: oneOrMore },
    ({ heightFactor, ...options }) => layers.randomZoom(heightFactor, options),
  ),
  Resizing: entry<layers.ResizingOptions & Sizes>(
    { ...plain, ...sizes, interpolation: text, cropToAspectRatio: flag },
    ({ height, width, ...options }) => layers.resizing(height, width, options),
  ),
  Solarization: entry<layers.SolarizationOptions>(
    { ...values, additionFactor: oneOrMore, thresholdFactor: oneOrMore },
    layers.solarization,
  ),
};
