import { add } from "../../ops/add.ts";
import { mul } from "../../ops/mul.ts";
import { sub } from "../../ops/sub.ts";
import type { Optimizer, OptimizerUpdate } from "../optimizer.ts";
import { checkScalarSource, type ScalarSource } from "../scalar.ts";
import { checkRates, decayWeights, ranges } from "./decay_weights.ts";

/** Options of {@link sgd}. */
export interface SgdOptions {
  /** Learning rate, at least 0; default 0.01. */
  readonly learningRate?: ScalarSource;
  /** Part of the velocity that is kept, 0 to 1; default 0, and then no velocity is stored. */
  readonly momentum?: ScalarSource;
  /** Whether the step looks ahead along the velocity; default false. */
  readonly nesterov?: boolean;
  /** Decoupled weight decay, at least 0; default 0. */
  readonly weightDecay?: ScalarSource;
}

/**
 * Stochastic gradient descent, with momentum and Nesterov's look-ahead if wanted.
 *
 * Without momentum: w ← w − rate · g. With it: v ← momentum · v − rate · g; w ← w + v, or with
 * Nesterov w ← w + momentum · v − rate · g.
 *
 * @param options Learning rate, momentum and decay; all but `nesterov` may change between steps.
 * @returns An optimizer with the slot `velocity`, or none without momentum.
 * @throws {RangeError} when a constant is out of its range, or Nesterov is asked for with no momentum.
 *
 * @example
 * ```ts
 * import { hyperparameter, sgd } from "@millrace/millrace";
 * import assert from "node:assert/strict";
 *
 * const optimizer = sgd({ learningRate: hyperparameter(0.1), momentum: 0.9 });
 * assert.deepEqual(optimizer.slots({ shape: [2] }), { velocity: 0 });
 * assert.throws(() => sgd({ learningRate: -1 }), /at least 0: received -1/);
 * ```
 *
 * Source: Keras's `SGD`. PyTorch's keeps the learning rate outside the velocity (v ← momentum · v +
 * g; w ← w − rate · v): the same while the rate stays, but when the rate is cut, Keras's velocity
 * still holds steps of the old size. PyTorch's `weight_decay` is added to the gradient: the same
 * without momentum. Keras takes `nesterov` without momentum, and ignores it.
 */
export function sgd(options: SgdOptions = {}): Optimizer {
  const { learningRate = 0.01, momentum = 0, nesterov = false, weightDecay = 0 } = options;
  checkRates("sgd", learningRate, weightDecay);
  checkScalarSource("the momentum of sgd", momentum, ranges.fraction);
  if (nesterov && momentum === 0) {
    throw new RangeError("Cannot make sgd as nesterov needs a momentum above 0: received 0");
  }
  return {
    name: "sgd",
    learningRate,
    slots: (): Record<string, number> => momentum === 0 ? {} : { velocity: 0 },
    apply(parameter, gradient, slots, context): OptimizerUpdate {
      const rate = context.scalar(learningRate, "learning_rate", ranges.nonNegative);
      const decayed = decayWeights(parameter, rate, weightDecay, context);
      const step = mul(gradient, rate);
      if (momentum === 0) return { parameter: sub(decayed, step), slots: {} };
      const kept = context.scalar(momentum, "momentum", ranges.fraction);
      const velocity = sub(mul(slots.velocity, kept), step);
      const move = nesterov ? sub(mul(velocity, kept), step) : velocity;
      return { parameter: add(decayed, move), slots: { velocity } };
    },
  };
}
