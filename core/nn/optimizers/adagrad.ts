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

/** Options of {@link adagrad}. */
export interface AdagradOptions {
  /** Learning rate, at least 0; default 0.001. */
  readonly learningRate?: ScalarSource;
  /** Where the sum of squares begins, at least 0; default 0.1. */
  readonly initialAccumulatorValue?: number;
  /** Keeps the quotient finite, at least 0; default 1e-7. */
  readonly epsilon?: number;
  /** Decoupled weight decay, at least 0; default 0. */
  readonly weightDecay?: ScalarSource;
}

/**
 * Gradient descent with a step for each weight that shrinks as its gradients add up: for rare
 * features.
 *
 * a ← a + g²; w ← w − rate · g / √(a + epsilon).
 *
 * @param options Learning rate and weight decay, which may change between steps, and constants.
 * @returns An optimizer with the slot `accumulator`.
 * @throws {RangeError} when a constant is out of its range.
 *
 * @example
 * ```ts
 * import { adagrad } from "@millrace/millrace";
 * import assert from "node:assert/strict";
 *
 * assert.deepEqual(adagrad().slots({ shape: [2] }), { accumulator: 0.1 });
 * ```
 *
 * Source: J. Duchi and others, "Adaptive subgradient methods", 2011; Keras's `Adagrad`. PyTorch's has
 * a learning rate of 0.01, begins at 0, and adds epsilon, 1e-10, to the root. Clipping of gradients is a stage of its own, `clipGradients`.
 */
export function adagrad(options: AdagradOptions = {}): Optimizer {
  const { learningRate = 0.001, weightDecay = 0 } = options;
  const { initialAccumulatorValue = 0.1, epsilon = 1e-7 } = options;
  checkRates("adagrad", learningRate, weightDecay);
  checkScalar(
    "the initialAccumulatorValue of adagrad",
    initialAccumulatorValue,
    ranges.nonNegative,
  );
  checkScalar("the epsilon of adagrad", epsilon, ranges.nonNegative);
  return {
    name: "adagrad",
    learningRate,
    slots: () => ({ accumulator: initialAccumulatorValue }),
    apply(parameter, gradient, slots, context) {
      const rate = context.scalar(learningRate, "learning_rate", ranges.nonNegative);
      const accumulator = add(slots.accumulator, square(gradient));
      const decayed = decayWeights(parameter, rate, weightDecay, context);
      const move = div(mul(gradient, rate), sqrt(add(accumulator, epsilon)));
      return { parameter: sub(decayed, move), slots: { accumulator } };
    },
  };
}
