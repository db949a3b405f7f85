import type { Layer } from "../layer.ts";
import type { FlattenOptions } from "../layers/flatten.ts";
import type { WeightedLayerOptions } from "../layers/weighted.ts";
import type { MergeLayer } from "../merge_layer.ts";
import type { Tensors } from "../named.ts";
import {
  flag,
  numbers,
  type OptionReader,
  type OptionReaders,
  part,
  text,
} from "./option_readers.ts";

/** How a layer is made of what a file holds. */
export interface LayerEntry {
  /** A reader for each option. */
  readonly options: Readonly<Record<string, OptionReader>>;
  /** The factory; it checks ranges. */
  make(options: Record<string, unknown>): Layer | MergeLayer<Tensors>;
}

/** An entry whose readers are complete: the compiler sees that no option lacks one. */
export function entry<Options>(
  options: OptionReaders<Options>,
  make: (options: Options) => Layer | MergeLayer<Tensors>,
): LayerEntry {
  return { options, make: make as LayerEntry["make"] };
}

/** Options of every layer. */
export const plain: OptionReaders<FlattenOptions> = { name: text, inputShape: numbers };
/** Options of every layer with weights. */
export const weighted: OptionReaders<WeightedLayerOptions> = {
  ...plain,
  trainable: flag,
  activityRegularizer: part,
};
