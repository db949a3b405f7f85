import type { Tensor } from "../../graph/tensor.ts";
import { mul } from "../../ops/mul.ts";
import { sub } from "../../ops/sub.ts";
import type { UpdateContext } from "../optimizer.ts";
import { checkScalarSource, type ScalarSource } from "../scalar.ts";

/** Ranges of what optimizers are set by. */
export const ranges = {
  /** 0 or more: rates, decays, epsilons. */
  nonNegative: { minimum: 0 },
  /** From 0 to 1: momentum, averages. */
  fraction: { minimum: 0, maximum: 1 },
} as const;

/** Refuses a learning rate or weight decay of optimizer `name` that is negative or not finite. */
export function checkRates(
  name: string,
  learningRate: ScalarSource,
  weightDecay: ScalarSource,
): void {
  checkScalarSource(`the learningRate of ${name}`, learningRate, ranges.nonNegative);
  checkScalarSource(`the weightDecay of ${name}`, weightDecay, ranges.nonNegative);
}

/**
 * The weight after decoupled decay, before the step: w − learningRate · weightDecay · w.
 *
 * Not w · (1 − learningRate · weightDecay): in float32 that factor is near 1 and has lost most of
 * the digits of the product, by the same error at every step.
 */
export function decayWeights(
  parameter: Tensor,
  learningRate: Tensor,
  weightDecay: ScalarSource,
  context: UpdateContext,
): Tensor {
  if (weightDecay === 0) return parameter;
  const decay = context.scalar(weightDecay, "weight_decay", ranges.nonNegative);
  return sub(parameter, mul(parameter, mul(learningRate, decay)));
}
