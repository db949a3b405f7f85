import type { Tensor } from "../../graph/tensor.ts";
import { cast } from "../../ops/cast.ts";
import { mul } from "../../ops/mul.ts";
import { notEqual } from "../../ops/not_equal.ts";
import { mean, sum } from "../../ops/sum.ts";
import { meanPerSample } from "../losses/targets.ts";
import type { Loss } from "../loss.ts";
import type { Mask } from "../mask.ts";
import type { Metric } from "../metric.ts";

/** What a loss or a metric says of the targets, the outputs and the masks that it takes. */
type Takes = Pick<Loss, "classIds" | "takesLogits" | "supportsMasking">;

/**
 * A metric that is the mean over samples of `values`, `[batch, ...]`, by their weights;
 * which by default takes no class ids, and no masks. Labels that a loss ignores weigh nothing.
 */
export function averageMetric(
  name: string,
  direction: "min" | "max",
  values: (targets: Tensor, outputs: Tensor, mask?: Mask) => Tensor,
  { classIds, takesLogits, supportsMasking }: Takes = {},
): Metric {
  return {
    name,
    direction,
    ...(classIds && { classIds }),
    ...(takesLogits && { takesLogits }),
    ...(supportsMasking && { supportsMasking }),
    apply(targets, outputs, sampleWeight, mask) {
      const perSample = meanPerSample(values(targets, outputs, mask));
      const ignored = classIds?.ignored;
      if (ignored !== undefined) {
        const counts = cast(notEqual(cast(targets, "i32"), ignored), "f32");
        const share = meanPerSample(counts);
        // The loss has made those that count so much larger that its mean over all is theirs.
        const own = mul(perSample, mean(counts));
        return sampleWeight
          ? [sum(mul(own, sampleWeight)), sum(mul(share, sampleWeight))]
          : [sum(own), sum(share)];
      }
      return sampleWeight
        ? [sum(mul(perSample, sampleWeight)), sum(sampleWeight)]
        : [sum(perSample), outputs.shape[0]];
    },
    result: ([total], [count]) => total / count,
  };
}
