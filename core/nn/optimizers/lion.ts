import { mul } from "../../ops/mul.ts";
import { sign } from "../../ops/sign.ts";
import { sub } from "../../ops/sub.ts";
import { checkScalar } from "../check_scalar.ts";
import type { Optimizer } from "../optimizer.ts";
import type { ScalarSource } from "../scalar.ts";
import { checkRates, decayWeights, ranges } from "./decay_weights.ts";
import { checkBetas, movingMean } from "./moving_mean.ts";

/** Options of {@link lion}. */
export interface LionOptions {
  /** Learning rate, at least 0; default 0.001. */
  readonly learningRate?: ScalarSource;
  /** Part of the mean gradient in the step, above 0 to below 1; default 0.9. */
  readonly beta1?: number;
  /** Part of the mean gradient that is kept, from 0 to below 1; default 0.99. */
  readonly beta2?: number;
  /** Decoupled weight decay, at least 0; default 0. */
  readonly weightDecay?: ScalarSource;
}

/**
 * Steps of one size for all weights, by the sign of the mean gradient: half the memory of Adam.
 *
 * w ← w − rate · sign(beta1 · m + (1 − beta1) · g); m ← beta2 · m + (1 − beta2) · g.
 *
 * @param options Learning rate and weight decay, which may change between steps, and constants. The
 * rate should be a third to a tenth of Adam's.
 * @returns An optimizer with the slot `mean`.
 * @throws {RangeError} when a constant is out of its range.
 *
 * @example
 * ```ts
 * import { lion } from "@millrace/millrace";
 * import assert from "node:assert/strict";
 *
 * assert.deepEqual(lion().slots({ shape: [2] }), { mean: 0 });
 * ```
 *
 * Source: X. Chen and others, "Symbolic discovery of optimization algorithms", 2023; Keras's `Lion`.
 * PyTorch has none. Clipping of gradients is a stage of its own, `clipGradients`.
 */
export function lion(options: LionOptions = {}): Optimizer {
  const { learningRate = 0.001, beta1 = 0.9, beta2 = 0.99, weightDecay = 0 } = options;
  checkRates("lion", learningRate, weightDecay);
  checkBetas("lion", { beta1, beta2 });
  checkScalar("the beta1 of lion", beta1, { minimum: Number.MIN_VALUE });
  return {
    name: "lion",
    learningRate,
    slots: () => ({ mean: 0 }),
    apply(parameter, gradient, slots, context) {
      const rate = context.scalar(learningRate, "learning_rate", ranges.nonNegative);
      const direction = sign(movingMean(slots.mean, gradient, beta1));
      const decayed = decayWeights(parameter, rate, weightDecay, context);
      return {
        parameter: sub(decayed, mul(direction, rate)),
        slots: { mean: movingMean(slots.mean, gradient, beta2) },
      };
    },
  };
}
