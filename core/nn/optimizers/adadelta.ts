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
import { checkBetas, movingMean } from "./moving_mean.ts";

/** Options of {@link adadelta}. */
export interface AdadeltaOptions {
  /** Learning rate, at least 0; default 0.001. The paper has 1. */
  readonly learningRate?: ScalarSource;
  /** Part of the averages that is kept, from 0 to below 1; default 0.95. */
  readonly rho?: number;
  /** Keeps the quotient finite and the first steps above 0; at least 0; default 1e-7. */
  readonly epsilon?: number;
  /** Decoupled weight decay, at least 0; default 0. */
  readonly weightDecay?: ScalarSource;
}

/**
 * Gradient descent whose steps are as large as its steps of late, over its gradients of late.
 *
 * v ← v + (1 − rho) · (g² − v); d = g · √(s + epsilon) / √(v + epsilon);
 * s ← s + (1 − rho) · (d² − s); w ← w − rate · d.
 *
 * @param options Learning rate and weight decay, which may change between steps, and constants.
 * @returns An optimizer with the slots `meanSquare` and `meanSquareMove`.
 * @throws {RangeError} when a constant is out of its range.
 *
 * @example
 * ```ts
 * import { adadelta } from "@millrace/millrace";
 * import assert from "node:assert/strict";
 *
 * assert.deepEqual(adadelta().slots({ shape: [2] }), { meanSquare: 0, meanSquareMove: 0 });
 * ```
 *
 * Source: M. Zeiler, "Adadelta", 2012; Keras's `Adadelta`. PyTorch's has a learning rate of 1, rho 0.9
 * and epsilon 1e-6. Clipping of gradients is a stage of its own, `clipGradients`.
 */
export function adadelta(options: AdadeltaOptions = {}): Optimizer {
  const { learningRate = 0.001, rho = 0.95, epsilon = 1e-7, weightDecay = 0 } = options;
  checkRates("adadelta", learningRate, weightDecay);
  checkBetas("adadelta", { rho });
  checkScalar("the epsilon of adadelta", epsilon, ranges.nonNegative);
  return {
    name: "adadelta",
    learningRate,
    slots: () => ({ meanSquare: 0, meanSquareMove: 0 }),
    apply(parameter, gradient, slots, context) {
      const rate = context.scalar(learningRate, "learning_rate", ranges.nonNegative);
      const meanSquare = movingMean(slots.meanSquare, square(gradient), rho);
      const late = sqrt(add(slots.meanSquareMove, epsilon));
      const move = div(mul(gradient, late), sqrt(add(meanSquare, epsilon)));
      const meanSquareMove = movingMean(slots.meanSquareMove, square(move), rho);
      const decayed = decayWeights(parameter, rate, weightDecay, context);
      return { parameter: sub(decayed, mul(move, rate)), slots: { meanSquare, meanSquareMove } };
    },
  };
}
