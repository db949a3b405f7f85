import * as layers from "../layers/graph/mod.ts";
import { kernels } from "./convolution_entries.ts";
import { entry, type LayerEntry } from "./layer_entry.ts";
import { flag, initializer, layer, number, type OptionReaders, text } from "./option_readers.ts";

const { inputShape: _, ...sums } = kernels;
const pool: OptionReaders<layers.GlobalPoolOptions> = { name: text };

/** Layers over graphs, by type. */
export const graphEntries: Readonly<Record<string, LayerEntry>> = {
  GlobalAttentionPool: entry<layers.GlobalAttentionPoolOptions>(
    { name: text, trainable: flag, kernelInitializer: initializer },
    layers.globalAttentionPool,
  ),
  GlobalAveragePool: entry<layers.GlobalPoolOptions>(pool, layers.globalAveragePool),
  GlobalMaxPool: entry<layers.GlobalPoolOptions>(pool, layers.globalMaxPool),
  GlobalSumPool: entry<layers.GlobalPoolOptions>(pool, layers.globalSumPool),
  GraphAttention: entry<layers.GraphAttentionOptions & { units: number }>({
    ...sums,
    units: number,
    heads: number,
    concat: flag,
    negativeSlope: number,
    dropout: number,
    selfLoops: flag,
  }, ({ units, ...options }) => layers.graphAttention(units, options)),
  GraphConvolution: entry<layers.GraphConvolutionOptions & { units: number }>(
    { ...sums, units: number },
    ({ units, ...options }) => layers.graphConvolution(units, options),
  ),
  GraphSage: entry<layers.GraphSageOptions & { units: number }>(
    { ...sums, units: number, aggregator: text, project: flag, normalize: flag },
    ({ units, ...options }) => layers.graphSage(units, options),
  ),
  MessagePassing: entry<layers.MessagePassingOptions>(
    { name: text, trainable: flag, message: layer, update: layer, aggregate: text },
    layers.messagePassing,
  ),
};
