/** Layers in which steps of sequences attend to one another. */

export { additiveAttention } from "./additive_attention.ts";
export type { AdditiveAttentionOptions } from "./additive_attention.ts";
export { attention } from "./attention.ts";
export type { AttentionLayerOptions, ScoreMode } from "./attention.ts";
export { groupedQueryAttention } from "./grouped_query_attention.ts";
export type { GroupedQueryAttentionOptions } from "./grouped_query_attention.ts";
export { multiHeadAttention } from "./multi_head_attention.ts";
export type { MultiHeadAttentionOptions } from "./multi_head_attention.ts";
export { positionEmbedding } from "./position_embedding.ts";
export type { PositionEmbeddingOptions } from "./position_embedding.ts";
export type { ProjectedAttentionOptions, RotaryOptions } from "./projected_attention.ts";
export type { ProjectionOptions } from "./projections.ts";
export { rotaryEmbedding } from "./rotary_embedding.ts";
export type { RotaryEmbeddingOptions } from "./rotary_embedding.ts";
export { sinePositionEncoding } from "./sine_position_encoding.ts";
export type { SinePositionEncodingOptions } from "./sine_position_encoding.ts";
export { tokenAndPositionEmbedding } from "./token_and_position_embedding.ts";
export type { TokenAndPositionEmbeddingOptions } from "./token_and_position_embedding.ts";
export type { TransformerOptions } from "./transformer_block.ts";
export { transformerDecoder } from "./transformer_decoder.ts";
export type { TransformerDecoderOptions } from "./transformer_decoder.ts";
export { transformerEncoder } from "./transformer_encoder.ts";
export type { TransformerEncoderOptions } from "./transformer_encoder.ts";
export type { AttentionOutputs, UnprojectedAttentionOptions } from "./unprojected_attention.ts";
