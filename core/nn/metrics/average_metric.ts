import type { Tensor } from "../../graph/tensor.ts";
import { sum } from "../../ops/sum.ts";
import { meanPerSample } from "../losses/targets.ts";
import type { Metric } from "../metric.ts";

/** A metric that is the mean over samples of `values`, `[batch, ...]`. */
export function averageMetric(
  name: string,
  direction: "min" | "max",
  values: (targets: Tensor, outputs: Tensor) => Tensor,
): Metric {
  return {
    name,
    direction,
    apply: (targets, outputs) => ({
      total: sum(meanPerSample(values(targets, outputs))),
      count: outputs.shape[0],
    }),
    result: (total, count) => total / count,
  };
}
