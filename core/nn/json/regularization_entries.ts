import type { DropoutOptions, NoiseOptions } from "../layers/regularization/noise.ts";
import * as layers from "../layers/regularization/mod.ts";
import { dropout } from "../layers/dropout.ts";
import { entry, type LayerEntry, plain } from "./layer_entry.ts";
import { number, openNumbers } from "./option_readers.ts";

function dropoutEntry(make: typeof dropout): LayerEntry {
  return entry<DropoutOptions & { rate: number }>(
    { ...plain, rate: number, seed: number, noiseShape: openNumbers },
    ({ rate, ...options }) => make(rate, options),
  );
}

function rateEntry(make: typeof layers.gaussianDropout): LayerEntry {
  return entry<NoiseOptions & { rate: number }>(
    { ...plain, rate: number, seed: number },
    ({ rate, ...options }) => make(rate, options),
  );
}

/** Layers that disturb what flows through them, by type. */
export const regularizationEntries: Readonly<Record<string, LayerEntry>> = {
  AlphaDropout: dropoutEntry(layers.alphaDropout),
  Dropout: dropoutEntry(dropout),
  GaussianDropout: rateEntry(layers.gaussianDropout),
  GaussianNoise: entry<NoiseOptions & { standardDeviation: number }>(
    { ...plain, standardDeviation: number, seed: number },
    ({ standardDeviation, ...options }) => layers.gaussianNoise(standardDeviation, options),
  ),
  SpatialDropout1D: rateEntry(layers.spatialDropout1d),
  SpatialDropout2D: rateEntry(layers.spatialDropout2d),
  SpatialDropout3D: rateEntry(layers.spatialDropout3d),
};
