import { ShapeError } from "../../../graph/errors.ts";
import { formatShape, type Shape } from "../../../graph/shape.ts";
import type { Tensor } from "../../../graph/tensor.ts";
import { greater } from "../../../ops/greater.ts";
import { reshape } from "../../../ops/reshape.ts";
import type { MergeLayer } from "../../merge_layer.ts";

/** Options of layers that make one row of a graph's nodes. */
export interface GlobalPoolOptions {
  /** Name; default the type and a count, as `global_sum_pool_1`. */
  readonly name?: string;
}

/** Features of each node, refusing inputs that are not nodes with or without their mask. */
export function pooledFeatures(shapes: readonly Shape[]): number {
  const [x, mask] = shapes;
  const fits = shapes.length >= 1 && shapes.length <= 2 && x.length === 2 &&
    (!mask || (mask[0] === x[0] && mask.length <= 2 && (mask[1] ?? 1) === 1));
  if (fits) return x[1];
  throw new ShapeError(
    "expected inputs nodes [nodes, features], with or without mask [nodes], got " +
      (shapes.map(formatShape).join(", ") || "none"),
  );
}

/** Which rows are nodes rather than padding, `[batch, nodes, 1]`; undefined where all are. */
export function realNodes(x: Tensor, mask: Tensor | undefined): Tensor | undefined {
  return mask && greater(reshape(mask, [x.shape[0], x.shape[1], 1]), 0);
}

/** A readout without weights. */
export function globalPool(
  type: string,
  { name = "" }: GlobalPoolOptions,
  pool: (x: Tensor, real: Tensor | undefined) => Tensor,
): MergeLayer {
  return {
    merges: true,
    type,
    name,
    config: {},
    init: (shapes) => ({ outputShape: [pooledFeatures(shapes)], parameters: [] }),
    apply(_parameters, [x, mask]) {
      pooledFeatures((mask ? [x, mask] : [x]).map(({ shape }) => shape.slice(1)));
      return pool(x, realNodes(x, mask));
    },
  };
}
