import * as layers from "../layers/attention/mod.ts";
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

const rotary: OptionReaders<layers.RotaryOptions> = {
  ropeMaxWavelength: number,
  ropeScalingFactor: number,
};
const projected: OptionReaders<layers.ProjectedAttentionOptions> = {
  name: text,
  trainable: flag,
  dropout: number,
  seed: number,
  useCausalMask: flag,
  ...rotary,
  returnAttentionScores: flag,
  useBias: flag,
  kernelInitializer: initializer,
  biasInitializer: initializer,
  kernelRegularizer: part,
  biasRegularizer: part,
  kernelConstraint: part,
  biasConstraint: part,
};
const block: OptionReaders<
  layers.TransformerOptions & { intermediateDim: number; numHeads: number }
> = {
  name: text,
  trainable: flag,
  intermediateDim: number,
  numHeads: number,
  dropout: number,
  activation,
  layerNormEpsilon: number,
  kernelInitializer: initializer,
  biasInitializer: initializer,
  normalizeFirst: flag,
  ...rotary,
};

const unprojected: OptionReaders<layers.AdditiveAttentionOptions> = {
  name: text,
  trainable: flag,
  useScale: flag,
  dropout: number,
  seed: number,
  useCausalMask: flag,
  returnAttentionScores: flag,
};

/** Layers of attention, by type. */
export const attentionEntries: Readonly<Record<string, LayerEntry>> = {
  AdditiveAttention: entry<layers.AdditiveAttentionOptions>(unprojected, layers.additiveAttention),
  Attention: entry<layers.AttentionLayerOptions>(
    { ...unprojected, scoreMode: text },
    layers.attention,
  ),
  GroupedQueryAttention: entry<
    layers.GroupedQueryAttentionOptions & {
      headDim: number;
      numQueryHeads: number;
      numKeyValueHeads: number;
    }
  >(
    { ...projected, headDim: number, numQueryHeads: number, numKeyValueHeads: number },
    ({ headDim, numQueryHeads, numKeyValueHeads, ...options }) =>
      layers.groupedQueryAttention(headDim, numQueryHeads, numKeyValueHeads, options),
  ),
  MultiHeadAttention: entry<
    layers.MultiHeadAttentionOptions & { numHeads: number; keyDim: number }
  >(
    { ...projected, numHeads: number, keyDim: number, valueDim: number, outputShape: oneOrMore },
    ({ numHeads, keyDim, ...options }) => layers.multiHeadAttention(numHeads, keyDim, options),
  ),
  PositionEmbedding: entry<layers.PositionEmbeddingOptions & { sequenceLength: number }>(
    { ...weighted, sequenceLength: number, initializer },
    ({ sequenceLength, ...options }) => layers.positionEmbedding(sequenceLength, options),
  ),
  RotaryEmbedding: entry<layers.RotaryEmbeddingOptions>(
    { ...plain, maxWavelength: number, scalingFactor: number },
    layers.rotaryEmbedding,
  ),
  SinePositionEncoding: entry<layers.SinePositionEncodingOptions>(
    { ...plain, maxWavelength: number },
    layers.sinePositionEncoding,
  ),
  TokenAndPositionEmbedding: entry<
    layers.TokenAndPositionEmbeddingOptions & {
      vocabularySize: number;
      sequenceLength: number;
      embeddingDim: number;
    }
  >(
    {
      ...weighted,
      vocabularySize: number,
      sequenceLength: number,
      embeddingDim: number,
      embeddingsInitializer: initializer,
      maskZero: flag,
    },
    ({ vocabularySize, sequenceLength, embeddingDim, ...options }) =>
      layers.tokenAndPositionEmbedding(vocabularySize, sequenceLength, embeddingDim, options),
  ),
  TransformerDecoder: entry<
    layers.TransformerDecoderOptions & { intermediateDim: number; numHeads: number }
  >(
    block,
    ({ intermediateDim, numHeads, ...options }) =>
      layers.transformerDecoder(intermediateDim, numHeads, options),
  ),
  TransformerEncoder: entry<
    layers.TransformerEncoderOptions & { intermediateDim: number; numHeads: number }
  >(
    { ...block, inputShape: plain.inputShape },
    ({ intermediateDim, numHeads, ...options }) =>
      layers.transformerEncoder(intermediateDim, numHeads, options),
  ),
};
