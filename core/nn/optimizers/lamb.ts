import type { Tensor } from "../../graph/tensor.ts";
import { add } from "../../ops/add.ts";
import { div } from "../../ops/div.ts";
import { equal } from "../../ops/equal.ts";
import { mul } from "../../ops/mul.ts";
import { select } from "../../ops/select.ts";
import { sqrt } from "../../ops/sqrt.ts";
import { square } from "../../ops/square.ts";
import { sub } from "../../ops/sub.ts";
import { sum } from "../../ops/sum.ts";
import { checkScalar } from "../check_scalar.ts";
import type { Optimizer } from "../optimizer.ts";
import type { ScalarSource } from "../scalar.ts";
import { checkRates, decayWeights, ranges } from "./decay_weights.ts";
import { checkBetas, movingMean, unbiasing } from "./moving_mean.ts";

/** Options of {@link lamb}. */
export interface LambOptions {
  /** Learning rate, at least 0; default 0.001. */
  readonly learningRate?: ScalarSource;
  /** Part of the mean gradient that is kept, from 0 to below 1; default 0.9. */
  readonly beta1?: number;
  /** Part of the mean squared gradient that is kept, from 0 to below 1; default 0.999. */
  readonly beta2?: number;
  /** Keeps the quotient finite, at least 0; default 1e-7. */
  readonly epsilon?: number;
  /** Decoupled weight decay, at least 0; default 0. */
  readonly weightDecay?: ScalarSource;
}

/**
 * Adam whose step has the length of the weight it changes: for very large batches.
 *
 * m ← m + (1 − beta1) · (g − m); v ← v + (1 − beta2) · (g² − v);
 * u = m / (1 − beta1ᵗ) / (√(v / (1 − beta2ᵗ)) + epsilon), with t the step from 1;
 * w ← w − rate · ‖w‖ / ‖u‖ · u, the quotient 1 where a length is 0. Lengths are of the whole weight.
 *
 * @param options Learning rate and weight decay, which may change between steps, and constants.
 * @returns An optimizer with the slots `mean` and `variance`.
 * @throws {RangeError} when a constant is out of its range.
 *
 * @example
 * ```ts
 * import { lamb } from "@millrace/millrace";
 * import assert from "node:assert/strict";
 *
 * assert.deepEqual(lamb().slots({ shape: [2] }), { mean: 0, variance: 0 });
 * ```
 *
 * Source: Y. You and others, "Large batch optimization for deep learning", 2019; Keras's `Lamb`, whose
 * weight decay is decoupled and not part of u. PyTorch has none. Clipping of gradients is a stage of its own, `clipGradients`.
 */
export function lamb(options: LambOptions = {}): Optimizer {
  const { learningRate = 0.001, weightDecay = 0 } = options;
  const { beta1 = 0.9, beta2 = 0.999, epsilon = 1e-7 } = options;
  checkRates("lamb", learningRate, weightDecay);
  checkBetas("lamb", { beta1, beta2 });
  checkScalar("the epsilon of lamb", epsilon, ranges.nonNegative);
  return {
    name: "lamb",
    learningRate,
    slots: () => ({ mean: 0, variance: 0 }),
    apply(parameter, gradient, slots, context) {
      const rate = context.scalar(learningRate, "learning_rate", ranges.nonNegative);
      const mean = movingMean(slots.mean, gradient, beta1);
      const variance = movingMean(slots.variance, square(gradient), beta2);
      const size = add(sqrt(mul(variance, unbiasing("lamb", beta2, context))), epsilon);
      const direction = div(mul(mean, unbiasing("lamb", beta1, context)), size);
      const decayed = decayWeights(parameter, rate, weightDecay, context);
      const move = mul(direction, mul(rate, trust(decayed, direction)));
      return { parameter: sub(decayed, move), slots: { mean, variance } };
    },
  };
}

/** The length of the weight by that of its step; 1 where either is 0. */
function trust(weight: Tensor, direction: Tensor): Tensor {
  const [own, given] = [weight, direction].map((x) => sqrt(sum(square(x))));
  const none = equal(mul(own, given), 0);
  return select(none, 1, div(own, select(none, 1, given)));
}
