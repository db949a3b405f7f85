import type { Layer } from "../layer.ts";
import type { AxisSizes } from "../layers/convolution/geometry.ts";
import * as layers from "../layers/reshaping/mod.ts";
import { entry, type LayerEntry, plain } from "./layer_entry.ts";
import { nestedNumbers, number, numbers, oneOrMore, text } from "./option_readers.ts";

type Made<Given> = (given: Given, options: layers.PlainOptions) => Layer;

function paddingEntry<Given>(make: Made<Given>): LayerEntry {
  return entry<layers.PlainOptions & { padding: Given }>(
    { ...plain, padding: nestedNumbers },
    ({ padding, ...options }) => make(padding, options),
  );
}

function croppingEntry<Given>(make: Made<Given>): LayerEntry {
  return entry<layers.PlainOptions & { cropping: Given }>(
    { ...plain, cropping: nestedNumbers },
    ({ cropping, ...options }) => make(cropping, options),
  );
}

function upSamplingEntry(make: Made<AxisSizes>): LayerEntry {
  return entry<layers.PlainOptions & { size: AxisSizes }>(
    { ...plain, size: oneOrMore },
    ({ size, ...options }) => make(size, options),
  );
}

/** Layers that move, repeat, add or leave out places, by type; `lambda` cannot be written. */
export const reshapingEntries: Readonly<Record<string, LayerEntry>> = {
  Cropping1D: croppingEntry(layers.cropping1d),
  Cropping2D: croppingEntry(layers.cropping2d),
  Cropping3D: croppingEntry(layers.cropping3d),
  Identity: entry<layers.PlainOptions>(plain, layers.identity),
  Permute: entry<layers.PlainOptions & { dims: readonly number[] }>(
    { ...plain, dims: numbers },
    ({ dims, ...options }) => layers.permute(dims, options),
  ),
  PixelShuffle: entry<layers.PlainOptions & { upscaleFactor: number }>(
    { ...plain, upscaleFactor: number },
    ({ upscaleFactor, ...options }) => layers.pixelShuffle(upscaleFactor, options),
  ),
  RepeatVector: entry<layers.PlainOptions & { n: number }>(
    { ...plain, n: number },
    ({ n, ...options }) => layers.repeatVector(n, options),
  ),
  UpSampling1D: upSamplingEntry(layers.upSampling1d),
  UpSampling2D: entry<layers.UpSampling2dOptions & { size: AxisSizes }>(
    { ...plain, size: oneOrMore, interpolation: text },
    ({ size, ...options }) => layers.upSampling2d(size, options),
  ),
  UpSampling3D: upSamplingEntry(layers.upSampling3d),
  ZeroPadding1D: paddingEntry(layers.zeroPadding1d),
  ZeroPadding2D: paddingEntry(layers.zeroPadding2d),
  ZeroPadding3D: paddingEntry(layers.zeroPadding3d),
};
