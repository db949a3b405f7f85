import type { Tensor } from "../../graph/tensor.ts";
import { add } from "../../ops/add.ts";
import { clip } from "../../ops/clip.ts";
import { div } from "../../ops/div.ts";
import { equal } from "../../ops/equal.ts";
import { mul } from "../../ops/mul.ts";
import { pow } from "../../ops/pow.ts";
import { select } from "../../ops/select.ts";
import { square } from "../../ops/square.ts";
import { sub } from "../../ops/sub.ts";
import { checkScalar } from "../check_scalar.ts";
import type { Optimizer } from "../optimizer.ts";
import type { ScalarSource } from "../scalar.ts";
import { checkRates, decayWeights, ranges } from "./decay_weights.ts";

/** Options of {@link ftrl}. */
export interface FtrlOptions {
  /** Learning rate, at least 0; default 0.001. */
  readonly learningRate?: ScalarSource;
  /** Exponent of the learning rate's decay, at most 0; default −0.5. With 0 the rate stays. */
  readonly learningRatePower?: number;
  /** Where the sum of squares begins, at least 0; default 0.1. */
  readonly initialAccumulatorValue?: number;
  /** Strength of the l1 penalty, which makes weights exactly 0; at least 0, default 0. */
  readonly l1RegularizationStrength?: number;
  /** Strength of the l2 penalty, at least 0; default 0. */
  readonly l2RegularizationStrength?: number;
  /** Strength of an l2 penalty that only the gradient sees, at least 0; default 0. */
  readonly l2ShrinkageRegularizationStrength?: number;
  /** β of the paper, at least 0; default 0. */
  readonly beta?: number;
  /** Decoupled weight decay, at least 0; default 0. */
  readonly weightDecay?: ScalarSource;
}

/**
 * Follow the regularized leader: for sparse models of many features, as click prediction.
 *
 * With p = learningRatePower, l2 = l2RegularizationStrength + beta / (2 · rate) and
 * g′ = g + 2 · l2Shrinkage · w: n′ = n + g²; z ← z + g′ − (n′⁻ᵖ − n⁻ᵖ) / rate · w;
 * w ← (clip(z, ±l1) − z) / (n′⁻ᵖ / rate + 2 · l2); n ← n′. While the rate is 0 nothing changes.
 *
 * @param options Learning rate and weight decay, which may change between steps, and constants.
 * @returns An optimizer with the slots `accumulator` (n) and `linear` (z).
 * @throws {RangeError} when a constant is out of its range.
 *
 * @example
 * ```ts
 * import { ftrl } from "@millrace/millrace";
 * import assert from "node:assert/strict";
 *
 * assert.deepEqual(ftrl().slots({ shape: [2] }), { accumulator: 0.1, linear: 0 });
 * ```
 *
 * Source: H. McMahan and others, "Ad click prediction: a view from the trenches", 2013; Keras's `Ftrl`.
 * PyTorch has none. Clipping of gradients is a stage of its own, `clipGradients`.
 */
export function ftrl(options: FtrlOptions = {}): Optimizer {
  const { learningRate = 0.001, weightDecay = 0 } = options;
  const { learningRatePower = -0.5, initialAccumulatorValue = 0.1, beta = 0 } = options;
  const { l1RegularizationStrength = 0, l2RegularizationStrength = 0 } = options;
  const { l2ShrinkageRegularizationStrength = 0 } = options;
  checkRates("ftrl", learningRate, weightDecay);
  checkScalar("the learningRatePower of ftrl", learningRatePower, { maximum: 0 });
  const strengths = { initialAccumulatorValue, l1RegularizationStrength, l2RegularizationStrength };
  const checked = { ...strengths, l2ShrinkageRegularizationStrength, beta };
  for (const [name, value] of Object.entries(checked)) {
    checkScalar(`the ${name} of ftrl`, value, ranges.nonNegative);
  }
  return {
    name: "ftrl",
    learningRate,
    slots: () => ({ accumulator: initialAccumulatorValue, linear: 0 }),
    apply(parameter, gradient, slots, context) {
      const given = context.scalar(learningRate, "learning_rate", ranges.nonNegative);
      const still = equal(given, 0);
      const rate = select(still, 1, given);
      const held = (next: Tensor, old: Tensor) => select(still, old, next);

      const weight = decayWeights(parameter, given, weightDecay, context);
      const accumulator = add(slots.accumulator, square(gradient));
      const [scale, oldScale] = [accumulator, slots.accumulator].map((squares) =>
        pow(squares, -learningRatePower)
      );
      const shrunk = l2ShrinkageRegularizationStrength === 0
        ? gradient
        : add(gradient, mul(weight, 2 * l2ShrinkageRegularizationStrength));
      const kept = mul(div(sub(scale, oldScale), rate), weight);
      const linear = add(slots.linear, sub(shrunk, kept));
      const quadratic = add(div(add(scale, beta), rate), 2 * l2RegularizationStrength);
      const clipped = clip(linear, -l1RegularizationStrength, l1RegularizationStrength);
      return {
        parameter: held(div(sub(clipped, linear), quadratic), parameter),
        slots: {
          accumulator: held(accumulator, slots.accumulator),
          linear: held(linear, slots.linear),
        },
      };
    },
  };
}
