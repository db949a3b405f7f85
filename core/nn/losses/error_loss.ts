import type { Tensor } from "../../graph/tensor.ts";
import { sub } from "../../ops/sub.ts";
import type { Loss } from "../loss.ts";
import { alignTargets, meanPerSample, oneHotLabels, oneIdOfOutputs } from "./targets.ts";

/** Options of losses that compare outputs with targets one by one. */
export interface ErrorLossOptions {
  /**
   * Whether targets are class labels `[batch]` that become rows of zeros with a one at the class;
   * default false. A data set with a label that is no class is refused.
   */
  readonly oneHot?: boolean;
}

/**
 * A loss of outputs and targets of one shape: `perOutput` of each pair, then the mean over the outputs
 * of a sample, or what `perSample` makes of them.
 */
export function pairLoss(
  name: string,
  factory: string,
  options: ErrorLossOptions,
  perOutput: (targets: Tensor, outputs: Tensor) => Tensor,
  perSample: (losses: Tensor) => Tensor = meanPerSample,
): Loss {
  const hints = { labels: `are they class labels? then use ${factory}({ oneHot: true })` };
  const align = options.oneHot ? oneHotLabels : alignTargets;
  return {
    name,
    ...(options.oneHot && { classIds: oneIdOfOutputs }),
    apply: (targets, outputs) =>
      perSample(perOutput(align(factory, targets, outputs, hints), outputs)),
  };
}

/** A loss of the errors ŷ − y: `perOutput` of each, then the mean over the outputs of a sample. */
export function errorLoss(
  name: string,
  factory: string,
  options: ErrorLossOptions,
  perOutput: (error: Tensor) => Tensor,
  perSample?: (losses: Tensor) => Tensor,
): Loss {
  const ofPair = (targets: Tensor, outputs: Tensor) => perOutput(sub(outputs, targets));
  return pairLoss(name, factory, options, ofPair, perSample);
}
