import type { Shape } from "../../../graph/shape.ts";
import { max } from "../../../ops/max.ts";
import { mean } from "../../../ops/sum.ts";
import type { Layer } from "../../layer.ts";
import { checkPlaces } from "./geometry.ts";

/** Options of layers that pool over all places. */
export interface GlobalPoolingOptions {
  /** Whether the axes of places stay, with size 1; default false. */
  readonly keepDims?: boolean;
  /** Name; default the type and a count, as `global_max_pooling2d_1`. */
  readonly name?: string;
  /** Shape of the inputs without the batch, for a first layer. */
  readonly inputShape?: Shape;
}

/** A pooling over all places of `rank` axes; see `globalMaxPooling2d` and its kin. */
export function globalPooling(
  kind: "Max" | "Average",
  rank: 1 | 2 | 3,
  options: GlobalPoolingOptions,
): Layer {
  const { keepDims = false, name = "", inputShape } = options;
  const places = Array.from({ length: rank }, (_, axis) => axis + 1);
  return {
    type: `Global${kind}Pooling${rank}D`,
    name,
    inputShape,
    config: { ...options },
    init(given) {
      checkPlaces(rank, given);
      const ones = keepDims ? places.map(() => 1) : [];
      return { outputShape: [...ones, given[rank]], parameters: [] };
    },
    apply: (_parameters, x) => (kind === "Max" ? max : mean)(x, places, { keepDims }),
  };
}
