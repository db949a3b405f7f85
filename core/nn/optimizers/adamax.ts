import { abs } from "../../ops/abs.ts";
import { add } from "../../ops/add.ts";
import { div } from "../../ops/div.ts";
import { maximum } from "../../ops/maximum.ts";
import { mul } from "../../ops/mul.ts";
import { sub } from "../../ops/sub.ts";
import { checkScalar } from "../check_scalar.ts";
import type { Optimizer } from "../optimizer.ts";
import type { ScalarSource } from "../scalar.ts";
import { checkRates, decayWeights, ranges } from "./decay_weights.ts";
import { checkBetas, movingMean, unbiasing } from "./moving_mean.ts";

/** Options of {@link adamax}. */
export interface AdamaxOptions {
  /** Learning rate, at least 0; default 0.001. */
  readonly learningRate?: ScalarSource;
  /** Part of the mean gradient that is kept, from 0 to below 1; default 0.9. */
  readonly beta1?: number;
  /** Part of the largest gradient that is kept, from 0 to below 1; default 0.999. */
  readonly beta2?: number;
  /** Keeps the quotient finite, at least 0; default 1e-7. */
  readonly epsilon?: number;
  /** Decoupled weight decay, at least 0; default 0. */
  readonly weightDecay?: ScalarSource;
}

/**
 * Adam with the largest gradient of late in place of the mean square: for rare features.
 *
 * m ← m + (1 − beta1) · (g − m); u ← max(beta2 · u, |g|);
 * w ← w − rate / (1 − beta1ᵗ) · m / (u + epsilon), with t the step from 1.
 *
 * @param options Learning rate and weight decay, which may change between steps, and constants.
 * @returns An optimizer with the slots `mean` and `largest`.
 * @throws {RangeError} when a constant is out of its range.
 *
 * @example
 * ```ts
 * import { adamax } from "@millrace/millrace";
 * import assert from "node:assert/strict";
 *
 * assert.deepEqual(adamax().slots({ shape: [2] }), { mean: 0, largest: 0 });
 * ```
 *
 * Source: D. Kingma, J. Ba, "Adam", 2014, section 7.1; Keras's `Adamax`. PyTorch's default learning
 * rate is 0.002, and it adds epsilon to |g| before the maximum. Clipping of gradients is a stage of its own, `clipGradients`.
 */
export function adamax(options: AdamaxOptions = {}): Optimizer {
  const { learningRate = 0.001, weightDecay = 0 } = options;
  const { beta1 = 0.9, beta2 = 0.999, epsilon = 1e-7 } = options;
  checkRates("adamax", learningRate, weightDecay);
  checkBetas("adamax", { beta1, beta2 });
  checkScalar("the epsilon of adamax", epsilon, ranges.nonNegative);
  return {
    name: "adamax",
    learningRate,
    slots: () => ({ mean: 0, largest: 0 }),
    apply(parameter, gradient, slots, context) {
      const rate = context.scalar(learningRate, "learning_rate", ranges.nonNegative);
      const mean = movingMean(slots.mean, gradient, beta1);
      const largest = maximum(mul(slots.largest, beta2), abs(gradient));
      const size = mul(rate, unbiasing("adamax", beta1, context));
      const decayed = decayWeights(parameter, rate, weightDecay, context);
      const move = div(mul(mean, size), add(largest, epsilon));
      return { parameter: sub(decayed, move), slots: { mean, largest } };
    },
  };
}
