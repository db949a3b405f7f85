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
import { checkScalarSource, type ScalarSource } from "../scalar.ts";
import { checkRates, decayWeights, ranges } from "./decay_weights.ts";

/** Options of {@link rmsprop}. */
export interface RmspropOptions {
  /** Learning rate, at least 0; default 0.001. */
  readonly learningRate?: ScalarSource;
  /** Part of the averages that is kept, 0 to 1; default 0.9. */
  readonly rho?: ScalarSource;
  /** Part of the last move that is kept, 0 to 1; default 0, and then no move is stored. */
  readonly momentum?: ScalarSource;
  /** Keeps the quotient finite, at least 0; default 1e-7. */
  readonly epsilon?: number;
  /** Whether the mean gradient is taken off the mean square; default false. */
  readonly centered?: boolean;
  /** Decoupled weight decay, at least 0; default 0. */
  readonly weightDecay?: ScalarSource;
}

/**
 * Gradient descent with a step for each weight, divided by a running size of its gradients.
 *
 * v ← rho · v + (1 − rho) · g²; w ← w − rate · g / √(v + epsilon). With momentum the quotient is
 * added to momentum · (last move) first; when centered, v is reduced by the square of the running
 * mean gradient.
 *
 * @param options Rates and averages; all but `epsilon` and `centered` may change between steps.
 * @returns An optimizer with the slots `meanSquare` and, as asked for, `meanGradient` and `move`.
 * @throws {RangeError} when a constant is out of its range.
 *
 * @example
 * ```ts
 * import { rmsprop } from "@millrace/millrace";
 * import assert from "node:assert/strict";
 *
 * assert.deepEqual(rmsprop().slots({ shape: [2] }), { meanSquare: 0 });
 * assert.deepEqual(rmsprop({ momentum: 0.9 }).slots({ shape: [2] }), { meanSquare: 0, move: 0 });
 * ```
 *
 * Source: T. Hinton, lecture 6e of "Neural networks for machine learning", 2012; Keras's `RMSprop`.
 * PyTorch's divides by √v + epsilon, keeps the learning rate outside the momentum, has epsilon 1e-8,
 * learning rate 0.01 and rho (`alpha`) 0.99.
 */
export function rmsprop(options: RmspropOptions = {}): Optimizer {
  const { learningRate = 0.001, rho = 0.9, momentum = 0, weightDecay = 0 } = options;
  const { epsilon = 1e-7, centered = false } = options;
  checkRates("rmsprop", learningRate, weightDecay);
  checkScalarSource("the rho of rmsprop", rho, ranges.fraction);
  checkScalarSource("the momentum of rmsprop", momentum, ranges.fraction);
  checkScalar("the epsilon of rmsprop", epsilon, ranges.nonNegative);
  return {
    name: "rmsprop",
    learningRate,
    slots: () => ({
      meanSquare: 0,
      ...(centered ? { meanGradient: 0 } : {}),
      ...(momentum === 0 ? {} : { move: 0 }),
    }),
    apply(parameter, gradient, slots, context) {
      const rate = context.scalar(learningRate, "learning_rate", ranges.nonNegative);
      const kept = context.scalar(rho, "rho", ranges.fraction);
      // Of a constant in float64, as in float32 the difference has lost digits.
      const added = typeof rho === "number" ? 1 - rho : sub(1, kept);
      const average = (mean: Tensor, value: Tensor) => add(mul(mean, kept), mul(value, added));

      const updated: Record<string, Tensor> = {};
      updated.meanSquare = average(slots.meanSquare, square(gradient));
      let size = updated.meanSquare;
      if (centered) {
        updated.meanGradient = average(slots.meanGradient, gradient);
        // Of gradients that stay the same it is 0 but for rounding, which may leave less.
        size = maximum(sub(size, square(updated.meanGradient)), 0);
      }
      let move = div(mul(gradient, rate), sqrt(add(size, epsilon)));
      if (momentum !== 0) {
        const keptMove = context.scalar(momentum, "momentum", ranges.fraction);
        move = updated.move = add(mul(slots.move, keptMove), move);
      }
      const decayed = decayWeights(parameter, rate, weightDecay, context);
      return { parameter: sub(decayed, move), slots: updated };
    },
  };
}
