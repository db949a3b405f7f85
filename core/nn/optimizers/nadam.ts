import { add } from "../../ops/add.ts";
import { div } from "../../ops/div.ts";
import { mul } from "../../ops/mul.ts";
import { sqrt } from "../../ops/sqrt.ts";
import { square } from "../../ops/square.ts";
import { sub } from "../../ops/sub.ts";
import { checkScalar } from "../check_scalar.ts";
import type { Optimizer } from "../optimizer.ts";
import type { ScalarSource } from "../scalar.ts";
import { checkRates, decayWeights, ranges } from "./decay_weights.ts";
import { checkBetas, movingMean, unbiasing } from "./moving_mean.ts";

/** Options of {@link nadam}. */
export interface NadamOptions {
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

/** How fast the momentum reaches `beta1`: Keras's and PyTorch's constant. */
const momentumDecay = 0.96;

/**
 * Adam with Nesterov's look-ahead along the mean gradient.
 *
 * m ← m + (1 − beta1) · (g − m); v ← v + (1 − beta2) · (g² − v);
 * u(t) = beta1 · (1 − ½ · 0.96ᵗ), U(t) = u(1) · … · u(t), with t the step from 1;
 * w ← w − rate · (u(t+1) · m / (1 − U(t+1)) + (1 − u(t)) · g / (1 − U(t))) / (√(v / (1 − beta2ᵗ)) +
 * epsilon).
 *
 * @param options Learning rate and weight decay, which may change between steps, and constants.
 * @returns An optimizer with the slots `mean` and `variance`.
 * @throws {RangeError} when a constant is out of its range.
 *
 * @example
 * ```ts
 * import { nadam } from "@millrace/millrace";
 * import assert from "node:assert/strict";
 *
 * assert.deepEqual(nadam().slots({ shape: [2] }), { mean: 0, variance: 0 });
 * ```
 *
 * Source: T. Dozat, "Incorporating Nesterov momentum into Adam", 2016; Keras's `Nadam`. PyTorch's
 * `NAdam` has a learning rate of 0.002 and epsilon 1e-8. Clipping of gradients is a stage of its own, `clipGradients`.
 */
export function nadam(options: NadamOptions = {}): Optimizer {
  const { learningRate = 0.001, weightDecay = 0 } = options;
  const { beta1 = 0.9, beta2 = 0.999, epsilon = 1e-7 } = options;
  checkRates("nadam", learningRate, weightDecay);
  checkBetas("nadam", { beta1, beta2 });
  checkScalar("the epsilon of nadam", epsilon, ranges.nonNegative);
  const momentum = (iteration: number) => beta1 * (1 - 0.5 * momentumDecay ** iteration);
  const products = runningProduct(momentum);
  return {
    name: "nadam",
    learningRate,
    slots: () => ({ mean: 0, variance: 0 }),
    apply(parameter, gradient, slots, context) {
      const rate = context.scalar(learningRate, "learning_rate", ranges.nonNegative);
      const ofMean = context.iterationScalar(
        `nadam_mean_${beta1}`,
        (t) => momentum(t + 1) / (1 - products(t) * momentum(t + 1)),
      );
      const ofGradient = context.iterationScalar(
        `nadam_gradient_${beta1}`,
        (t) => (1 - momentum(t)) / (1 - products(t)),
      );
      const mean = movingMean(slots.mean, gradient, beta1);
      const variance = movingMean(slots.variance, square(gradient), beta2);
      const ahead = add(mul(mean, ofMean), mul(gradient, ofGradient));
      const size = sqrt(mul(variance, unbiasing("nadam", beta2, context)));
      const decayed = decayWeights(parameter, rate, weightDecay, context);
      const move = div(mul(ahead, rate), add(size, epsilon));
      return { parameter: sub(decayed, move), slots: { mean, variance } };
    },
  };
}

/** factor(1) · … · factor(t): from the last product where t goes up by one, else anew. */
function runningProduct(factor: (t: number) => number): (t: number) => number {
  let [last, product] = [0, 1];
  return (t) => {
    if (t < last) [last, product] = [0, 1];
    // Nothing is left of a product of numbers below 1 in the end.
    while (last < t && product > 0) product *= factor(++last);
    last = t;
    return product;
  };
}
