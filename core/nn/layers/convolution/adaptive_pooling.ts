import type { Shape } from "../../../graph/shape.ts";
import type { Tensor } from "../../../graph/tensor.ts";
import { concat, slice } from "../../../ops/concat.ts";
import { max } from "../../../ops/max.ts";
import { reshape } from "../../../ops/reshape.ts";
import { mean } from "../../../ops/sum.ts";
import type { Layer } from "../../layer.ts";
import { axes, type AxisSizes, checkPlaces } from "./geometry.ts";

/** Options of layers that pool to a given size. */
export interface AdaptivePoolingOptions {
  /** Name; default the type and a count, as `adaptive_max_pooling2d_1`. */
  readonly name?: string;
  /** Shape of the inputs without the batch, for a first layer. */
  readonly inputShape?: Shape;
}

/** A pooling to `outputSize` over `rank` axes; see `adaptiveMaxPooling2d` and its kin. */
export function adaptivePooling(
  kind: "Max" | "Average",
  rank: 1 | 2 | 3,
  outputSize: AxisSizes,
  options: AdaptivePoolingOptions,
): Layer {
  const { name = "", inputShape } = options;
  const sizes = axes(`adaptive${kind}Pooling${rank}d`, "outputSize", rank, outputSize);
  return {
    type: `Adaptive${kind}Pooling${rank}D`,
    name,
    inputShape,
    config: { ...options, outputSize },
    init(given) {
      checkPlaces(rank, given);
      return { outputShape: [...sizes, given[rank]], parameters: [] };
    },
    // A mean of means is the mean of all, as the parts along one axis are of one size across it.
    apply: (_parameters, x) =>
      sizes.reduce((y, size, axis) => pooledTo(y, axis + 1, size, kind === "Max" ? max : mean), x),
  };
}

/** `x` in `outputs` parts along an axis, each folded: part i goes from ⌊i·n/outputs⌋ to ⌈(i+1)·n/outputs⌉. */
function pooledTo(x: Tensor, axis: number, outputs: number, fold: typeof max): Tensor {
  const { shape } = x;
  const places = shape[axis];
  if (places === outputs) return x;
  if (places % outputs === 0) {
    const parts = [...shape.slice(0, axis), outputs, places / outputs, ...shape.slice(axis + 1)];
    return fold(reshape(x, parts), axis + 1);
  }
  const folded = Array.from({ length: outputs }, (_, output) => {
    const from = Math.floor(output * places / outputs);
    const to = Math.ceil((output + 1) * places / outputs);
    const part = slice(x, shape.map((_, i) => i === axis ? from : 0), shape.with(axis, to));
    return fold(part, axis, { keepDims: true });
  });
  return concat(folded, axis);
}
