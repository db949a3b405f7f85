import { ShapeError } from "../../graph/errors.ts";
import { formatShape, normalizeAxes } from "../../graph/shape.ts";
import type { Tensor } from "../../graph/tensor.ts";
import { broadcastTo, sum } from "../../ops/sum.ts";
import type { Loss } from "../loss.ts";
import { alignTargets, meanPerSample } from "./targets.ts";

/** Options of losses of overlap. */
export interface OverlapOptions {
  /**
   * Axes that are added up, as `[1, 2]` for images `[batch, height, width, classes]`; all by default,
   * as in Keras: the batch then is one area, and every sample gets its loss.
   */
  readonly axes?: number | readonly number[];
}

/** A loss of sums over areas: `overlap` of targets and outputs, with a sum that keeps the axes. */
export function overlapLoss(
  name: string,
  factory: string,
  options: OverlapOptions,
  overlap: (targets: Tensor, outputs: Tensor, area: (x: Tensor) => Tensor) => Tensor,
): Loss {
  const hints = { labels: "make rows of class labels with toCategorical" };
  return {
    name,
    apply(targets, outputs) {
      const aligned = alignTargets(factory, targets, outputs, hints);
      const axes = options.axes === undefined
        ? outputs.shape.map((_, axis) => axis)
        : normalizeAxes(factory, options.axes, outputs.rank);
      if (axes.length === 0) {
        throw new ShapeError(
          `Cannot apply ${factory} as it needs an axis to add up over: received none for outputs ` +
            formatShape(outputs.shape),
        );
      }
      const losses = overlap(aligned, outputs, (x) => sum(x, axes, { keepDims: true }));
      return meanPerSample(broadcastTo(losses, [outputs.shape[0], ...losses.shape.slice(1)]));
    },
  };
}
