import type { ConvOptions, KernelOptions } from "../layers/convolution/conv.ts";
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

/** Options of layers with kernels. */
export const kernels: OptionReaders<KernelOptions> = {
  ...weighted,
  activation,
  useBias: flag,
  kernelInitializer: initializer,
  biasInitializer: initializer,
  kernelRegularizer: part,
  biasRegularizer: part,
  kernelConstraint: part,
  biasConstraint: part,
};

interface ConvParts extends ConvOptions {
  filters: number;
  kernelSize: AxisSizes;
}

function convEntry(make: typeof layers.conv1d): LayerEntry {
  return entry<ConvParts>({
    ...kernels,
    filters: number,
    kernelSize: oneOrMore,
    strides: oneOrMore,
    padding: text,
    dilationRate: oneOrMore,
    groups: number,
  }, ({ filters, kernelSize, ...options }) => make(filters, kernelSize, options));
}

function poolingEntry(make: typeof layers.maxPooling1d): LayerEntry {
  return entry<PoolingOptions & { poolSize: AxisSizes }>(
    { ...plain, poolSize: oneOrMore, strides: oneOrMore, padding: text },
    ({ poolSize, ...options }) => make(poolSize, options),
  );
}

/** Layers whose window goes over an input, by type. */
export const convolutionEntries: Readonly<Record<string, LayerEntry>> = {
  AveragePooling1D: poolingEntry(layers.averagePooling1d),
  AveragePooling2D: poolingEntry(layers.averagePooling2d),
  AveragePooling3D: poolingEntry(layers.averagePooling3d),
  Conv1D: convEntry(layers.conv1d),
  Conv2D: convEntry(layers.conv2d),
  Conv3D: convEntry(layers.conv3d),
  MaxPooling1D: poolingEntry(layers.maxPooling1d),
  MaxPooling2D: poolingEntry(layers.maxPooling2d),
  MaxPooling3D: poolingEntry(layers.maxPooling3d),
};
