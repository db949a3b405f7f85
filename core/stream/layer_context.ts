import type { ApplyContext } from "../nn/layer.ts";
import type { ScalarTable } from "./scalar_table.ts";

/** What a run lends to the layers of a model. */
export interface ContextSettings {
  /** Whether dropout acts. */
  readonly training: boolean;
  /** What stands before the names of random keys. */
  readonly stream: string;
  /** What random numbers are counted by, below 2³². */
  readonly draw: () => number;
}

/** What layers may ask for. */
export function layerContext(scalars: ScalarTable, settings: ContextSettings): ApplyContext {
  const { training, stream, draw } = settings;
  return {
    training,
    trainable: true,
    masks: [],
    scalar: (source, name, range) => scalars.scalar(source, name, range),
    randomKey: (name) => scalars.randomKey(`${stream}${name}`),
    counter: scalars.computed("draw", draw, "u32"),
    // Whoever wants what layers assign and add takes applyModel.
    assign: () => {},
    addLoss: () => {},
  };
}
