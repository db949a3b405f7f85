import * as layers from "../layers/preprocessing/mod.ts";
import { entry, type LayerEntry, plain, weighted } from "./layer_entry.ts";
import { flag, number, numbers, oneOrMore, type OptionReader, text } from "./option_readers.ts";

const axes: OptionReader = (value, path, custom) =>
  value === null ? null : oneOrMore(value, path, custom);

const window: OptionReader = (value, path, custom) =>
  (Array.isArray(value) ? numbers : text)(value, path, custom);

/** Layers that prepare numbers, by type. */
export const preprocessingEntries: Readonly<Record<string, LayerEntry>> = {
  CategoryEncoding: entry<layers.CategoryEncodingOptions & { numTokens: number }>(
    { ...plain, numTokens: number, outputMode: text },
    ({ numTokens, ...options }) => layers.categoryEncoding(numTokens, options),
  ),
  Discretization: entry<layers.DiscretizationOptions>(
    { ...plain, binBoundaries: numbers, numBins: number, outputMode: text },
    layers.discretization,
  ),
  IntegerLookup: entry<layers.IntegerLookupOptions>({
    ...plain,
    vocabulary: numbers,
    maxTokens: number,
    numOovIndices: number,
    maskToken: number,
    outputMode: text,
    idfWeights: numbers,
    padToMaxTokens: flag,
  }, layers.integerLookup),
  MelSpectrogram: entry<layers.MelSpectrogramLayerOptions>({
    ...plain,
    fftLength: number,
    sequenceStride: number,
    sequenceLength: number,
    window: text,
    samplingRate: number,
    numMelBins: number,
    minFreq: number,
    maxFreq: number,
    powerToDb: flag,
    topDb: number,
    magExp: number,
    minPower: number,
    refPower: number,
  }, layers.melSpectrogramLayer),
  Normalization: entry<layers.FeatureNormalizationOptions>(
    { ...plain, axis: axes, mean: oneOrMore, variance: oneOrMore, invert: flag },
    layers.normalization,
  ),
  Rescaling: entry<layers.RescalingOptions & { scale: number | readonly number[] }>(
    { ...plain, scale: oneOrMore, offset: oneOrMore },
    ({ scale, ...options }) => layers.rescaling(scale, options),
  ),
  STFTSpectrogram: entry<layers.StftSpectrogramOptions>({
    ...weighted,
    mode: text,
    frameLength: number,
    frameStep: number,
    fftLength: number,
    window,
    periodic: flag,
    scaling: text,
    padding: text,
    expandDims: flag,
  }, layers.stftSpectrogram),
};
