import type { Layer } from "../layer.ts";
import type { AxisSizes } from "../layers/convolution/geometry.ts";
import { embedding, type EmbeddingOptions } from "../layers/embedding.ts";
import { masking, type MaskingOptions } from "../layers/masking.ts";
import * as layers from "../layers/recurrent/mod.ts";
import {
  reversibleEmbedding,
  type ReversibleEmbeddingOptions,
} from "../layers/reversible_embedding.ts";
import { lowRank, type LowRankDefinition } from "../layers/low_rank.ts";
import { residual, type ResidualOptions } from "../layers/residual.ts";
import {
  spectralNormalization,
  type SpectralNormalizationOptions,
} from "../layers/spectral_normalization.ts";
import { entry, type LayerEntry, plain, weighted } from "./layer_entry.ts";
import {
  activation,
  flag,
  initializer,
  layer,
  layers as layerList,
  number,
  oneOrMore,
  oneOrMoreLayers,
  type OptionReader,
  type OptionReaders,
  part,
  text,
  texts,
} from "./option_readers.ts";

const overTime = {
  ...weighted,
  useBias: flag,
  kernelInitializer: initializer,
  recurrentInitializer: initializer,
  biasInitializer: initializer,
  kernelRegularizer: part,
  recurrentRegularizer: part,
  biasRegularizer: part,
  kernelConstraint: part,
  recurrentConstraint: part,
  biasConstraint: part,
  returnSequences: flag,
  goBackwards: flag,
  dropout: number,
  recurrentDropout: number,
  seed: number,
  returnState: flag,
  stateful: flag,
  batchSize: number,
  zeroOutputForMask: flag,
};
const recurrent: OptionReaders<layers.RecurrentOptions & { units: number }> = {
  ...overTime,
  units: number,
  activation: text,
};
const gated = { ...recurrent, recurrentActivation: text };

const nameOrNull: OptionReader = (value, path, custom) =>
  value === null ? null : text(value, path, custom);

const wrapper = { ...plain, layer, trainable: flag };

function convLstm(factory: typeof layers.convLstm2d): LayerEntry {
  return entry<layers.ConvLstmOptions & { filters: number; kernelSize: AxisSizes }>({
    ...overTime,
    filters: number,
    kernelSize: oneOrMore,
    strides: oneOrMore,
    padding: text,
    dilationRate: oneOrMore,
    activation,
    recurrentActivation: activation,
    unitForgetBias: flag,
  }, ({ filters, kernelSize, ...options }) => factory(filters, kernelSize, options));
}

const embedded = {
  ...weighted,
  inputDim: number,
  outputDim: number,
  embeddingsInitializer: initializer,
  embeddingsRegularizer: part,
  embeddingsConstraint: part,
  maskZero: flag,
};

/** Layers over sequences and layers around layers, by type. */
export const sequenceEntries: Readonly<Record<string, LayerEntry>> = {
  Bidirectional: entry<layers.BidirectionalOptions & { layer: Layer }>(
    { ...wrapper, mergeMode: nameOrNull },
    ({ layer, ...options }) => layers.bidirectional(layer, options),
  ),
  ConvLSTM1D: convLstm(layers.convLstm1d),
  ConvLSTM2D: convLstm(layers.convLstm2d),
  ConvLSTM3D: convLstm(layers.convLstm3d),
  Embedding: entry<EmbeddingOptions & { inputDim: number; outputDim: number }>(
    embedded,
    ({ inputDim, outputDim, ...options }) => embedding(inputDim, outputDim, options),
  ),
  GRU: entry<layers.GruOptions & { units: number }>(
    { ...gated, resetAfter: flag },
    ({ units, ...options }) => layers.gru(units, options),
  ),
  LSTM: entry<layers.LstmOptions & { units: number }>(
    { ...gated, unitForgetBias: flag },
    ({ units, ...options }) => layers.lstm(units, options),
  ),
  Lora: entry<LowRankDefinition>({
    name: text,
    layer,
    weights: texts,
    rank: number,
    alpha: number,
    aInitializer: initializer,
    bInitializer: initializer,
  } as OptionReaders<LowRankDefinition>, lowRank),
  Masking: entry<MaskingOptions>({ ...plain, maskValue: number }, masking),
  Residual: entry<ResidualOptions & { layers: readonly Layer[] }>(
    { ...plain, layers: layerList, shortcut: oneOrMoreLayers, activation, trainable: flag },
    ({ layers, ...options }) => residual(layers, options),
  ),
  ReversibleEmbedding: entry<ReversibleEmbeddingOptions & { inputDim: number; outputDim: number }>(
    { ...embedded, tieWeights: flag, logitSoftCap: number },
    ({ inputDim, outputDim, ...options }) => reversibleEmbedding(inputDim, outputDim, options),
  ),
  SimpleRNN: entry<layers.RecurrentOptions & { units: number }>(
    recurrent,
    ({ units, ...options }) => layers.simpleRnn(units, options),
  ),
  SpectralNormalization: entry<SpectralNormalizationOptions & { layer: Layer }>(
    { ...wrapper, powerIterations: number },
    ({ layer, ...options }) => spectralNormalization(layer, options),
  ),
  TimeDistributed: entry<layers.TimeDistributedOptions & { layer: Layer }>(
    wrapper,
    ({ layer, ...options }) => layers.timeDistributed(layer, options),
  ),
};
