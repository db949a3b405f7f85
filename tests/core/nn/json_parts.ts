import type { Shape } from "../../../core/graph/shape.ts";
import type { Constraint, Layer, MergeLayer, Regularizer } from "../../../mod.ts";

/** Layers by the names of their factories, each with the shapes of what it takes. */
export type LayerSamples = Record<string, [layer: Layer | MergeLayer, ...inputs: Shape[]]>;

/** A regularizer of a user's own. */
export const softer = (factor: number): Regularizer => ({
  name: "softer",
  config: { factor },
  apply: (x) => x.square().sum().mul(factor),
});

/** A constraint of a user's own. */
export const positive: Constraint = { name: "positive", config: {}, apply: (x) => x.relu() };

/** What names them to the reader of a model's JSON. */
export const custom = {
  parts: {
    softer: ({ factor }: { factor: number }) => softer(factor),
    positive: () => positive,
  },
};
