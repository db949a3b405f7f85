import * as nn from "../../../core/nn/mod.ts";
import type { LayerSamples } from "./json_parts.ts";

/** Layers of attention, with options that are not the defaults, and shapes of what they take. */
export const attentionSamples: LayerSamples = {
  additiveAttention: [nn.additiveAttention({ useScale: false, useCausalMask: true }), [5, 6]],
  attention: [
    nn.attention({ useScale: true, scoreMode: "concat", dropout: 0.25, seed: 2 }),
    [5, 6],
    [4, 3],
    [4, 6],
  ],
  groupedQueryAttention: [
    nn.groupedQueryAttention(6, 4, 2, {
      useBias: false,
      dropout: 0.5,
      seed: 3,
      ropeMaxWavelength: 100,
      ropeScalingFactor: 2,
    }),
    [5, 6],
  ],
  multiHeadAttention: [
    nn.multiHeadAttention(2, 3, {
      valueDim: 4,
      outputShape: [2, 3],
      useCausalMask: true,
      kernelInitializer: nn.heNormal(),
      trainable: false,
    }),
    [5, 6],
    [5, 3],
  ],
  positionEmbedding: [nn.positionEmbedding(8, { initializer: "ones" }), [5, 6]],
  rotaryEmbedding: [nn.rotaryEmbedding({ maxWavelength: 100, scalingFactor: 2 }), [5, 6]],
  sinePositionEncoding: [nn.sinePositionEncoding({ maxWavelength: 100 }), [5, 6]],
  tokenAndPositionEmbedding: [
    nn.tokenAndPositionEmbedding(9, 8, 4, { maskZero: true, embeddingsInitializer: "ones" }),
    [5],
  ],
  transformerDecoder: [
    nn.transformerDecoder(7, 2, { normalizeFirst: true, dropout: nn.hyperparameter(0.25) }),
    [5, 6],
    [4, 3],
  ],
  transformerEncoder: [
    nn.transformerEncoder(7, 2, {
      activation: "gelu",
      layerNormEpsilon: 0.01,
      kernelInitializer: "heNormal",
      biasInitializer: "ones",
    }),
    [5, 6],
  ],
};
