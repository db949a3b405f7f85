import type { Tensor } from "../../graph/tensor.ts";
import { add } from "../../ops/add.ts";
import { div } from "../../ops/div.ts";
import { maximum } from "../../ops/maximum.ts";
import { mul } from "../../ops/mul.ts";
import { sqrt } from "../../ops/sqrt.ts";
import { square } from "../../ops/square.ts";
import { sub } from "../../ops/sub.ts";
import { checkScalar } from "../check_scalar.ts";
import type { Optimizer } from "../optimizer.ts";
import type { ScalarSource } from "../scalar.ts";
import { checkRates, decayWeights, ranges } from "./decay_weights.ts";
import { adamCorrection, checkBetas, movingMean } from "./moving_mean.ts";

/** Options of {@link adam} and {@link adamw}. */
export interface AdamOptions {
  /** Learning rate, at least 0; default 0.001. */
  readonly learningRate?: ScalarSource;
  /** Part of the mean gradient that is kept, from 0 to below 1; default 0.9. */
  readonly beta1?: number;
  /** Part of the mean squared gradient that is kept, from 0 to below 1; default 0.999. */
  readonly beta2?: number;
  /** Keeps the quotient finite, at least 0; default 1e-7. */
  readonly epsilon?: number;
  /** Whether the largest mean square so far is divided by, not the present one; default false. */
  readonly amsgrad?: boolean;
  /** Decoupled weight decay, at least 0; default 0 for `adam` and 0.004 for `adamw`. */
  readonly weightDecay?: ScalarSource;
}

/**
 * Gradient descent with a step for each weight, from running means of its gradient and its square.
 *
 * m ← m + (1 − beta1) · (g − m); v ← v + (1 − beta2) · (g² − v);
 * w ← w − rate · √(1 − beta2ᵗ) / (1 − beta1ᵗ) · m / (√v + epsilon), with t the step from 1. With
 * `amsgrad` the largest v so far takes the place of v.
 *
 * @param options Learning rate and weight decay, which may change between steps, and constants. (The
 * betas are numbers: the correction of the means' bias holds for constant ones.)
 * @returns An optimizer with the slots `mean` and `variance`, and `largestVariance` with `amsgrad`.
 * @throws {RangeError} when a constant is out of its range.
 *
 * @example
 * ```ts
 * import { adam } from "@millrace/millrace";
 * import assert from "node:assert/strict";
 *
 * assert.deepEqual(adam().slots({ shape: [2] }), { mean: 0, variance: 0 });
 * assert.throws(() => adam({ beta1: 1 }), RangeError);
 * ```
 *
 * Source: D. Kingma, J. Ba, "Adam", 2014, the faster form at the end of section 2, as Keras's
 * `Adam`. PyTorch's corrects v before epsilon is added: there, our epsilon would be epsilon / √(1 −
 * beta2ᵗ), larger in the first steps; and its default is 1e-8. `amsgrad`: S. Reddi and others, 2018.
 * Clipping of gradients is a stage of its own, `clipGradients`.
 */
export function adam(options: AdamOptions = {}): Optimizer {
  return make("adam", options);
}

/**
 * {@link adam} with decoupled weight decay: w ← w − rate · weightDecay · w before each step.
 *
 * @param options Learning rate and weight decay, which may change between steps, and constants.
 * @returns An optimizer with the slots `mean` and `variance`.
 * @throws {RangeError} when a constant is out of its range.
 *
 * @example
 * ```ts
 * import { adamw } from "@millrace/millrace";
 * import assert from "node:assert/strict";
 *
 * assert.equal(adamw({ weightDecay: 0.01 }).name, "adamw");
 * ```
 *
 * Source: I. Loshchilov, F. Hutter, "Decoupled weight decay regularization", 2017; Keras's `AdamW`,
 * biases decay too. PyTorch's default decay is 0.01; for the rest see {@link adam}.
 */
export function adamw(options: AdamOptions = {}): Optimizer {
  const { weightDecay = 0.004 } = options;
  return make("adamw", { ...options, weightDecay });
}

function make(name: string, options: AdamOptions): Optimizer {
  const { learningRate = 0.001, beta1 = 0.9, beta2 = 0.999, epsilon = 1e-7 } = options;
  const { weightDecay = 0, amsgrad = false } = options;
  checkRates(name, learningRate, weightDecay);
  checkBetas(name, { beta1, beta2 });
  checkScalar(`the epsilon of ${name}`, epsilon, ranges.nonNegative);
  return {
    name,
    learningRate,
    slots: () => ({ mean: 0, variance: 0, ...(amsgrad ? { largestVariance: 0 } : {}) }),
    apply(parameter, gradient, slots, context) {
      const rate = context.scalar(learningRate, "learning_rate", ranges.nonNegative);
      const mean = movingMean(slots.mean, gradient, beta1);
      const variance = movingMean(slots.variance, square(gradient), beta2);
      const updated: Record<string, Tensor> = { mean, variance };
      let size = variance;
      if (amsgrad) size = updated.largestVariance = maximum(slots.largestVariance, variance);
      const correction = adamCorrection(name, beta1, beta2, context);
      const move = div(mul(mean, mul(rate, correction)), add(sqrt(size), epsilon));
      const decayed = decayWeights(parameter, rate, weightDecay, context);
      return { parameter: sub(decayed, move), slots: updated };
    },
  };
}
