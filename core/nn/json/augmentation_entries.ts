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
const sizes: OptionReaders<Sizes> = { height: number, width: number };

/** Layers that change pictures, by type. */
export const augmentationEntries: Readonly<Record<string, LayerEntry>> = {
  CenterCrop: entry<PlainOptions & Sizes>(
    { ...plain, ...sizes },
    ({ height, width, ...options }) => layers.centerCrop(height, width, options),
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
  RandomBrightness: entry<layers.ValueOptions & { factor: layers.Factor }>(
    { ...values, factor: oneOrMore },
    ({ factor, ...options }) => layers.randomBrightness(factor, options),
  ),
  RandomContrast: entry<layers.ValueOptions & { factor: layers.Factor }>(
    { ...values, factor: oneOrMore },
    ({ factor, ...options }) => layers.randomContrast(factor, options),
  ),
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
  RandomRotation: entry<layers.SamplingOptions & { factor: layers.Factor }>(
    { ...sampling, factor: oneOrMore },
    ({ factor, ...options }) => layers.randomRotation(factor, options),
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
};
