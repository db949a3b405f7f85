import {
  activityRegularization,
  type ActivityRegularizationOptions,
} from "../layers/activity_regularization.ts";
import {
  batchNormalization,
  type BatchNormalizationOptions,
} from "../layers/batch_normalization.ts";
import { dense, type DenseOptions } from "../layers/dense.ts";
import { einsumDense, type EinsumDenseOptions } from "../layers/einsum_dense.ts";
import { flatten, type FlattenOptions } from "../layers/flatten.ts";
import {
  groupNormalization,
  type GroupNormalizationOptions,
} from "../layers/group_normalization.ts";
import {
  layerNormalization,
  type LayerNormalizationOptions,
} from "../layers/layer_normalization.ts";
import { addLayer } from "../layers/merge/add.ts";
import { average } from "../layers/merge/average.ts";
import { concatenate, type ConcatenateOptions } from "../layers/merge/concatenate.ts";
import { dot, type DotOptions } from "../layers/merge/dot.ts";
import type { MergeOptions } from "../layers/merge/elementwise.ts";
import { maximumLayer } from "../layers/merge/maximum.ts";
import { minimumLayer } from "../layers/merge/minimum.ts";
import { multiply } from "../layers/merge/multiply.ts";
import { subtract } from "../layers/merge/subtract.ts";
import type { NormalizationOptions } from "../layers/normalization.ts";
import { reshapeLayer, type ReshapeOptions } from "../layers/reshape.ts";
import { rmsNormalization, type RmsNormalizationOptions } from "../layers/rms_normalization.ts";
import { unitNormalization, type UnitNormalizationOptions } from "../layers/unit_normalization.ts";
import { activationEntries } from "./activation_entries.ts";
import { attentionEntries } from "./attention_entries.ts";
import { augmentationEntries } from "./augmentation_entries.ts";
import { convolutionEntries, kernels } from "./convolution_entries.ts";
import { entry, type LayerEntry, plain, weighted } from "./layer_entry.ts";
import { graphEntries } from "./graph_entries.ts";
import { preprocessingEntries } from "./preprocessing_entries.ts";
import { sequenceEntries } from "./sequence_entries.ts";
import {
  flag,
  initializer,
  number,
  numbers,
  oneOrMore,
  openNumbers,
  type OptionReader,
  type OptionReaders,
  part,
  text,
} from "./option_readers.ts";
import { regularizationEntries } from "./regularization_entries.ts";
import { reshapingEntries } from "./reshaping_entries.ts";

const normalization: OptionReaders<NormalizationOptions> = {
  ...weighted,
  epsilon: number,
  center: flag,
  scale: flag,
  betaInitializer: initializer,
  gammaInitializer: initializer,
  betaRegularizer: part,
  gammaRegularizer: part,
  betaConstraint: part,
  gammaConstraint: part,
};
const merge: OptionReaders<MergeOptions> = { name: text };
const { useBias: _, ...perUnit } = kernels;
const sizes: OptionReader = (value, path, custom) =>
  (Array.isArray(value) ? openNumbers : number)(value, path, custom);

/**
 * Every layer that a file may name, by its type. A new layer is one entry here, and a `config` of
 * its options in the record that its factory gives.
 */
export const layerRegistry: Readonly<Record<string, LayerEntry>> = {
  ActivityRegularization: entry<ActivityRegularizationOptions>(
    { ...plain, l1: number, l2: number },
    activityRegularization,
  ),
  Add: entry<MergeOptions>(merge, addLayer),
  Average: entry<MergeOptions>(merge, average),
  BatchNormalization: entry<BatchNormalizationOptions>({
    ...normalization,
    axis: number,
    momentum: number,
    movingMeanInitializer: initializer,
    movingVarianceInitializer: initializer,
  }, batchNormalization),
  Concatenate: entry<ConcatenateOptions>({ ...merge, axis: number }, concatenate),
  Dense: entry<DenseOptions & { units: number }>(
    { ...kernels, units: number },
    ({ units, ...options }) => dense(units, options),
  ),
  Dot: entry<DotOptions & { axes: number }>(
    { ...merge, axes: oneOrMore, normalize: flag },
    ({ axes, ...options }) => dot(axes, options),
  ),
  EinsumDense: entry<EinsumDenseOptions & { equation: string; outputShape: number }>(
    { ...perUnit, equation: text, outputShape: sizes, biasAxes: text },
    ({ equation, outputShape, ...options }) => einsumDense(equation, outputShape, options),
  ),
  Flatten: entry<FlattenOptions>(plain, flatten),
  GroupNormalization: entry<GroupNormalizationOptions>(
    { ...normalization, groups: number, axis: number },
    groupNormalization,
  ),
  LayerNormalization: entry<LayerNormalizationOptions>(
    { ...normalization, axis: oneOrMore },
    layerNormalization,
  ),
  Maximum: entry<MergeOptions>(merge, maximumLayer),
  Minimum: entry<MergeOptions>(merge, minimumLayer),
  Multiply: entry<MergeOptions>(merge, multiply),
  RMSNormalization: entry<RmsNormalizationOptions>(
    { ...weighted, axis: oneOrMore, epsilon: number },
    rmsNormalization,
  ),
  Reshape: entry<ReshapeOptions & { targetShape: readonly number[] }>(
    { ...plain, targetShape: numbers },
    ({ targetShape, ...options }) => reshapeLayer(targetShape, options),
  ),
  Subtract: entry<MergeOptions>(merge, subtract),
  UnitNormalization: entry<UnitNormalizationOptions>(
    { ...plain, axis: oneOrMore },
    unitNormalization,
  ),
  ...activationEntries,
  ...attentionEntries,
  ...augmentationEntries,
  ...convolutionEntries,
  ...graphEntries,
  ...preprocessingEntries,
  ...regularizationEntries,
  ...reshapingEntries,
  ...sequenceEntries,
};
