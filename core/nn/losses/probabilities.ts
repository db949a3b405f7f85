import type { Tensor } from "../../graph/tensor.ts";
import { add } from "../../ops/add.ts";
import { div } from "../../ops/div.ts";
import { log } from "../../ops/log.ts";
import { maximum } from "../../ops/maximum.ts";
import { minimum } from "../../ops/minimum.ts";
import { mul } from "../../ops/mul.ts";
import { neg } from "../../ops/neg.ts";
import { softplus } from "../../ops/softplus.ts";
import { sub } from "../../ops/sub.ts";
import { sum } from "../../ops/sum.ts";
import { checkScalar } from "../check_scalar.ts";

/** Options of cross-entropies. */
export interface CrossentropyOptions {
  /** Whether outputs are logits, not probabilities; default false. */
  readonly fromLogits?: boolean;
  /** Part of the targets that is spread over all classes evenly, 0 to 1; default 0. */
  readonly labelSmoothing?: number;
}

/** Keras's `epsilon`: probabilities are kept this far from 0 and 1, divisors from 0. */
export const margin = 1e-7;

/** `probabilities` no closer than 1e-7 to 0 and 1, so that their logarithms are finite. */
function clipProbabilities(probabilities: Tensor): Tensor {
  return minimum(maximum(probabilities, margin), 1 - margin);
}

/** Logarithms of class probabilities that are first divided by their sum and clipped, as in Keras. */
export function logProbabilities(outputs: Tensor): Tensor {
  const total = sum(outputs, -1, { keepDims: true });
  return log(clipProbabilities(div(outputs, total)));
}

/** Targets moved towards an even spread over `classes` outcomes. */
export function smoothTargets(targets: Tensor, smoothing: number, classes: number): Tensor {
  return smoothing === 0 ? targets : add(mul(targets, 1 - smoothing), smoothing / classes);
}

/** Refuses label smoothing outside 0 to 1. */
export function checkSmoothing(name: string, smoothing: number): number {
  return checkScalar(`the labelSmoothing of ${name}`, smoothing, { minimum: 0, maximum: 1 });
}

/** What a yes and a no would surprise by, in nats. */
export interface Surprise {
  /** −log p. */
  readonly ofYes: Tensor;
  /** −log(1 − p). */
  readonly ofNo: Tensor;
}

/** The surprises of probabilities 1 / (1 + e⁻ˣ): exact where those would round to 0 or 1. */
export function surpriseOfLogits(logits: Tensor): Surprise {
  return { ofYes: softplus(neg(logits)), ofNo: softplus(logits) };
}

/** The surprises of probabilities, which are clipped. */
export function surpriseOfProbabilities(probabilities: Tensor): Surprise {
  const clipped = clipProbabilities(probabilities);
  return { ofYes: neg(log(clipped)), ofNo: neg(log(sub(1, clipped))) };
}
