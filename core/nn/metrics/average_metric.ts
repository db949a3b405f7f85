import type { Tensor } from "../../graph/tensor.ts";
import { mul } from "../../ops/mul.ts";
import { sum } from "../../ops/sum.ts";
import { meanPerSample } from "../losses/targets.ts";
import type { ClassIdTargets } from "../loss.ts";
import type { Metric } from "../metric.ts";

/**
 * A metric that is the mean over samples of `values`, `[batch, ...]`, by their weights; of
 * `classIds`, if it takes them.
 */
export function averageMetric(
  name: string,
  direction: "min" | "max",
  values: (targets: Tensor, outputs: Tensor) => Tensor,
  classIds?: ClassIdTargets,
): Metric {
  return {
    name,
    direction,
    ...(classIds && { classIds }),
    apply(targets, outputs, sampleWeight) {
      const perSample = meanPerSample(values(targets, outputs));
      return sampleWeight
        ? [sum(mul(perSample, sampleWeight)), sum(sampleWeight)]
        : [sum(perSample), outputs.shape[0]];
    },
    result: ([total], [count]) => total / count,
  };
}
