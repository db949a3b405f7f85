import type { Tensor } from "../../graph/tensor.ts";
import { mul } from "../../ops/mul.ts";
import { sum } from "../../ops/sum.ts";
import { meanPerSample } from "../losses/targets.ts";
import type { Loss } from "../loss.ts";
import type { Mask } from "../mask.ts";
import type { Metric } from "../metric.ts";

/** What a loss or a metric says of the targets and the masks that it takes. */
type Takes = Pick<Loss, "classIds" | "supportsMasking">;

/**
 * A metric that is the mean over samples of `values`, `[batch, ...]`, by their weights;
 * which by default takes no class ids, and no masks.
 */
export function averageMetric(
  name: string,
  direction: "min" | "max",
  values: (targets: Tensor, outputs: Tensor, mask?: Mask) => Tensor,
  { classIds, supportsMasking }: Takes = {},
): Metric {
  return {
    name,
    direction,
    ...(classIds && { classIds }),
    ...(supportsMasking && { supportsMasking }),
    apply(targets, outputs, sampleWeight, mask) {
      const perSample = meanPerSample(values(targets, outputs, mask));
      return sampleWeight
        ? [sum(mul(perSample, sampleWeight)), sum(sampleWeight)]
        : [sum(perSample), outputs.shape[0]];
    },
    result: ([total], [count]) => total / count,
  };
}
