/** Layers over graphs: nodes with features, and the edges between them. */

export type { GraphLayerOptions } from "./edges.ts";
export { globalAttentionPool } from "./global_attention_pool.ts";
export type { GlobalAttentionPoolOptions } from "./global_attention_pool.ts";
export { globalAveragePool } from "./global_average_pool.ts";
export { globalMaxPool } from "./global_max_pool.ts";
export type { GlobalPoolOptions } from "./global_pool.ts";
export { globalSumPool } from "./global_sum_pool.ts";
export { graphAttention } from "./graph_attention.ts";
export type { GraphAttentionOptions } from "./graph_attention.ts";
export { graphConvolution } from "./graph_convolution.ts";
export type { GraphConvolutionOptions } from "./graph_convolution.ts";
export { graphSage } from "./graph_sage.ts";
export type { GraphSageOptions } from "./graph_sage.ts";
export { messagePassing } from "./message_passing.ts";
export type {
  Aggregation,
  MessageFunction,
  MessageInputs,
  MessagePassingOptions,
  UpdateFunction,
  UpdateInputs,
} from "./message_passing.ts";
