import { add } from "../../ops/add.ts";
import { div } from "../../ops/div.ts";
import { mul } from "../../ops/mul.ts";
import { sqrt } from "../../ops/sqrt.ts";
import { square } from "../../ops/square.ts";
import { sub } from "../../ops/sub.ts";
import { checkCount } from "../check_count.ts";
import { checkScalar } from "../check_scalar.ts";
import type { Optimizer } from "../optimizer.ts";
import type { ScalarSource } from "../scalar.ts";
import { checkRates, decayWeights, ranges } from "./decay_weights.ts";
import { checkBetas, movingMean, unbiasing } from "./moving_mean.ts";

/** Options of {@link scheduleFreeAdamW}. */
export interface ScheduleFreeAdamWOptions {
  /** Learning rate, at least 0; default 0.0025. */
  readonly learningRate?: ScalarSource;
  /** How near the weights stay to the average, above 0 to below 1; default 0.9. */
  readonly beta1?: number;
  /** Part of the mean squared gradient that is kept, from 0 to below 1; default 0.999. */
  readonly beta2?: number;
  /** Keeps the quotient finite, at least 0; default 1e-8. */
  readonly epsilon?: number;
  /** Steps over which the learning rate rises in a line; default 0. */
  readonly warmupSteps?: number;
  /** Decoupled weight decay, at least 0; default 0. */
  readonly weightDecay?: ScalarSource;
}

/**
 * Adam that needs no schedule: it steps from one sequence, z, judges by its average, x, and takes
 * gradients in between, at y, which is what the weights are while training.
 *
 * v ← v + (1 − beta2) · (g² − v); z ← z − rate · g / (√(v / (1 − beta2ᵗ)) + epsilon);
 * x ← x + (z − x) / t; y = (1 − beta1) · z + beta1 · x, with t the step from 1.
 *
 * Validation is done with x. The model has y after the run, as in Keras without `swap_to_eval`, and
 * the two draw near as x settles.
 *
 * @param options Learning rate and weight decay, which may change between steps, and constants.
 * @returns An optimizer with the slots `z`, at first a copy of the weight, and `variance`.
 * @throws {RangeError} when a constant is out of its range.
 *
 * @example
 * ```ts
 * import { scheduleFreeAdamW } from "@millrace/millrace";
 * import assert from "node:assert/strict";
 *
 * assert.deepEqual(scheduleFreeAdamW().slots({ shape: [2] }), {
 *   z: { fill: "parameter" },
 *   variance: 0,
 * });
 * ```
 *
 * Source: A. Defazio and others, "The road less scheduled", 2024; Keras's `ScheduleFreeAdamW`. PyTorch
 * has none. Clipping of gradients is a stage of its own, `clipGradients`.
 */
export function scheduleFreeAdamW(options: ScheduleFreeAdamWOptions = {}): Optimizer {
  const { learningRate = 0.0025, weightDecay = 0, warmupSteps = 0 } = options;
  const { beta1 = 0.9, beta2 = 0.999, epsilon = 1e-8 } = options;
  const name = "scheduleFreeAdamW";
  checkRates(name, learningRate, weightDecay);
  checkBetas(name, { beta1, beta2 });
  checkScalar(`the beta1 of ${name}`, beta1, { minimum: Number.EPSILON });
  checkScalar(`the epsilon of ${name}`, epsilon, ranges.nonNegative);
  checkCount(`the warmupSteps of ${name}`, warmupSteps);
  return {
    name: "schedule_free_adamw",
    learningRate,
    slots: () => ({ z: { fill: "parameter" }, variance: 0 }),
    apply(parameter, gradient, slots, context) {
      const rate = context.scalar(learningRate, "learning_rate", ranges.nonNegative);
      const warm = context.iterationScalar(
        `warmup_${warmupSteps}`,
        (t) => warmupSteps === 0 ? 1 : Math.min(t / warmupSteps, 1),
      );
      const weight = context.iterationScalar("averaging", (t) => 1 / t);
      const y = decayWeights(parameter, rate, weightDecay, context);
      const variance = movingMean(slots.variance, square(gradient), beta2);
      const size = add(sqrt(mul(variance, unbiasing(name, beta2, context))), epsilon);
      const move = div(mul(gradient, mul(rate, warm)), size);
      const z = sub(slots.z, move);
      // y′ − y in differences, which are small: (1 − beta1) · (z′ − z) + beta1 · (z′ − x) / t.
      const average = sub(y, mul(slots.z, 1 - beta1));
      const towards = mul(sub(mul(z, beta1), average), weight);
      return { parameter: add(sub(y, mul(move, 1 - beta1)), towards), slots: { z, variance } };
    },
    evaluationWeight: (parameter, slots) => div(sub(parameter, mul(slots.z, 1 - beta1)), beta1),
  };
}
