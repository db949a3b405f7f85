import type { Layer } from "../layer.ts";
import type { ConvOptions } from "../layers/convolution/conv.ts";
import type { FinishOptions, KernelOptions } from "../layers/convolution/kernel_options.ts";
import * as layers from "../layers/convolution/mod.ts";
import type { AxisSizes } from "../layers/convolution/geometry.ts";
import type { PoolingOptions } from "../layers/convolution/pooling.ts";
import { entry, type LayerEntry, plain, weighted } from "./layer_entry.ts";
import {
  activation,
  flag,
  initializer,
  number,
  oneOrMore,
  type OptionReaders,
  part,
  text,
} from "./option_readers.ts";

const finish: OptionReaders<FinishOptions> = {
  ...weighted,
  activation,
  useBias: flag,
  biasInitializer: initializer,
  biasRegularizer: part,
  biasConstraint: part,
};

/** Options of layers with kernels. */
export const kernels: OptionReaders<KernelOptions> = {
  ...finish,
  kernelInitializer: initializer,
  kernelRegularizer: part,
  kernelConstraint: part,
};

const depthwise: OptionReaders<layers.DepthwiseConvOptions> = {
  ...finish,
  strides: oneOrMore,
  padding: text,
  depthMultiplier: number,
  dilationRate: oneOrMore,
  depthwiseInitializer: initializer,
  depthwiseRegularizer: part,
  depthwiseConstraint: part,
};

/** What layers of filters are made from, besides their options. */
interface Filters {
  readonly filters: number;
  readonly kernelSize: AxisSizes;
}

type OfFilters<Options> = (filters: number, kernelSize: AxisSizes, options: Options) => Layer;

function filtersEntry<Options>(
  readers: OptionReaders<Options>,
  make: OfFilters<Options>,
): LayerEntry {
  const all = { ...readers, filters: number, kernelSize: oneOrMore };
  return entry<Options & Filters>(
    all as OptionReaders<Options & Filters>,
    ({ filters, kernelSize, ...options }) => make(filters, kernelSize, options as Options),
  );
}

const conv: OptionReaders<ConvOptions> = {
  ...kernels,
  strides: oneOrMore,
  padding: text,
  dilationRate: oneOrMore,
  groups: number,
};

const transposed: OptionReaders<layers.ConvTransposeOptions> = {
  ...kernels,
  strides: oneOrMore,
  padding: text,
  outputPadding: oneOrMore,
  dilationRate: oneOrMore,
};

const separable: OptionReaders<layers.SeparableConvOptions> = {
  ...depthwise,
  pointwiseInitializer: initializer,
  pointwiseRegularizer: part,
  pointwiseConstraint: part,
};

function poolingEntry(make: typeof layers.maxPooling1d): LayerEntry {
  return entry<PoolingOptions & { poolSize: AxisSizes }>(
    { ...plain, poolSize: oneOrMore, strides: oneOrMore, padding: text },
    ({ poolSize, ...options }) => make(poolSize, options),
  );
}

function depthwiseEntry(make: typeof layers.depthwiseConv1d): LayerEntry {
  return entry<layers.DepthwiseConvOptions & { kernelSize: AxisSizes }>(
    { ...depthwise, kernelSize: oneOrMore },
    ({ kernelSize, ...options }) => make(kernelSize, options),
  );
}

function globalEntry(make: typeof layers.globalMaxPooling1d): LayerEntry {
  return entry<layers.GlobalPoolingOptions>({ ...plain, keepDims: flag }, make);
}

function adaptiveEntry(make: typeof layers.adaptiveMaxPooling1d): LayerEntry {
  return entry<layers.AdaptivePoolingOptions & { outputSize: AxisSizes }>(
    { ...plain, outputSize: oneOrMore },
    ({ outputSize, ...options }) => make(outputSize, options),
  );
}

/** Layers whose window goes over an input, by type. */
export const convolutionEntries: Readonly<Record<string, LayerEntry>> = {
  AveragePooling1D: poolingEntry(layers.averagePooling1d),
  AveragePooling2D: poolingEntry(layers.averagePooling2d),
  AveragePooling3D: poolingEntry(layers.averagePooling3d),
  Conv1D: filtersEntry(conv, layers.conv1d),
  Conv2D: filtersEntry(conv, layers.conv2d),
  Conv3D: filtersEntry(conv, layers.conv3d),
  MaxPooling1D: poolingEntry(layers.maxPooling1d),
  MaxPooling2D: poolingEntry(layers.maxPooling2d),
  MaxPooling3D: poolingEntry(layers.maxPooling3d),
  AdaptiveAveragePooling1D: adaptiveEntry(layers.adaptiveAveragePooling1d),
  AdaptiveAveragePooling2D: adaptiveEntry(layers.adaptiveAveragePooling2d),
  AdaptiveAveragePooling3D: adaptiveEntry(layers.adaptiveAveragePooling3d),
  AdaptiveMaxPooling1D: adaptiveEntry(layers.adaptiveMaxPooling1d),
  AdaptiveMaxPooling2D: adaptiveEntry(layers.adaptiveMaxPooling2d),
  AdaptiveMaxPooling3D: adaptiveEntry(layers.adaptiveMaxPooling3d),
  Conv1DTranspose: filtersEntry(transposed, layers.conv1dTranspose),
  Conv2DTranspose: filtersEntry(transposed, layers.conv2dTranspose),
  Conv3DTranspose: filtersEntry(transposed, layers.conv3dTranspose),
  DepthwiseConv1D: depthwiseEntry(layers.depthwiseConv1d),
  DepthwiseConv2D: depthwiseEntry(layers.depthwiseConv2d),
  GlobalAveragePooling1D: globalEntry(layers.globalAveragePooling1d),
  GlobalAveragePooling2D: globalEntry(layers.globalAveragePooling2d),
  GlobalAveragePooling3D: globalEntry(layers.globalAveragePooling3d),
  GlobalMaxPooling1D: globalEntry(layers.globalMaxPooling1d),
  GlobalMaxPooling2D: globalEntry(layers.globalMaxPooling2d),
  GlobalMaxPooling3D: globalEntry(layers.globalMaxPooling3d),
  SeparableConv1D: filtersEntry(separable, layers.separableConv1d),
  SeparableConv2D: filtersEntry(separable, layers.separableConv2d),
};
