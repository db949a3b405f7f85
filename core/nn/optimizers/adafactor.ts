import type { Tensor } from "../../graph/tensor.ts";
import { add } from "../../ops/add.ts";
import { div } from "../../ops/div.ts";
import { expandDims } from "../../ops/expand_dims.ts";
import { maximum } from "../../ops/maximum.ts";
import { minimum } from "../../ops/minimum.ts";
import { mul } from "../../ops/mul.ts";
import { sqrt } from "../../ops/sqrt.ts";
import { square } from "../../ops/square.ts";
import { sub } from "../../ops/sub.ts";
import { mean } from "../../ops/sum.ts";
import { checkScalar } from "../check_scalar.ts";
import type { Optimizer, SlotStart } from "../optimizer.ts";
import type { ScalarSource } from "../scalar.ts";
import { checkRates, decayWeights, ranges } from "./decay_weights.ts";

/** Options of {@link adafactor}. */
export interface AdafactorOptions {
  /** Learning rate, at least 0; default 0.001. */
  readonly learningRate?: ScalarSource;
  /** How the averages are kept: 1 − t^`beta2Decay` at step t; below 0, default −0.8. */
  readonly beta2Decay?: number;
  /** Is added to squared gradients, above 0; default 1e-30. */
  readonly epsilon1?: number;
  /** Smallest size of a weight that its step is measured by, at least 0; default 1e-3. */
  readonly epsilon2?: number;
  /** Root mean square of a step from which it is made shorter, above 0; default 1. */
  readonly clipThreshold?: number;
  /** Whether the learning rate is at most 1 / √t at step t; default true. */
  readonly relativeStep?: boolean;
  /** Decoupled weight decay, at least 0; default 0. */
  readonly weightDecay?: ScalarSource;
}

/**
 * Adam's second half in the memory of a row and a column: for large matrices.
 *
 * With q = g² + epsilon1 and b = 1 − t^beta2Decay at step t (from 1): a matrix, or the last two axes of
 * more, keeps r ← b · r + (1 − b) · (mean of q over the columns) and c likewise over the rows, and
 * v = r · c / mean(r); a vector keeps v ← b · v + (1 − b) · q. Then u = g / √v,
 * w ← w − max(epsilon2, rms(w)) · min(rate, 1 / √t) · u / max(1, rms(u) / clipThreshold).
 *
 * @param options Learning rate and weight decay, which may change between steps, and constants.
 * @returns An optimizer with the slots `rows` and `columns` for a matrix, else `variance`.
 * @throws {RangeError} when a constant is out of its range.
 *
 * @example
 * ```ts
 * import { adafactor } from "@millrace/millrace";
 * import assert from "node:assert/strict";
 *
 * assert.deepEqual(adafactor().slots({ shape: [2] }), { variance: 0 });
 * assert.deepEqual(adafactor().slots({ shape: [20, 30] }), {
 *   rows: { shape: [20], fill: 0 },
 *   columns: { shape: [30], fill: 0 },
 * });
 * ```
 *
 * Source: N. Shazeer, M. Stern, "Adafactor", 2018; Keras's `Adafactor`, which stores v too, and takes
 * the rate as at most 1 / √t whatever `relativeStep` says. Clipping of gradients is a stage of its own, `clipGradients`.
 */
export function adafactor(options: AdafactorOptions = {}): Optimizer {
  const { learningRate = 0.001, weightDecay = 0, relativeStep = true } = options;
  const { beta2Decay = -0.8, epsilon1 = 1e-30, epsilon2 = 1e-3, clipThreshold = 1 } = options;
  checkRates("adafactor", learningRate, weightDecay);
  checkScalar("the beta2Decay of adafactor", beta2Decay, { maximum: -Number.MIN_VALUE });
  checkScalar("the epsilon1 of adafactor", epsilon1, { minimum: Number.MIN_VALUE });
  checkScalar("the epsilon2 of adafactor", epsilon2, ranges.nonNegative);
  checkScalar("the clipThreshold of adafactor", clipThreshold, { minimum: Number.MIN_VALUE });
  return {
    name: "adafactor",
    learningRate,
    slots: ({ shape }): Record<string, number | SlotStart> =>
      shape.length < 2 ? { variance: 0 } : {
        rows: { shape: shape.slice(0, -1), fill: 0 },
        columns: { shape: [...shape.slice(0, -2), shape[shape.length - 1]], fill: 0 },
      },
    apply(parameter, gradient, slots, context) {
      const rate = context.scalar(learningRate, "learning_rate", ranges.nonNegative);
      const added = context.iterationScalar(
        `adafactor_added_${beta2Decay}`,
        (iteration) => iteration ** beta2Decay,
      );
      const bound = context.iterationScalar("adafactor_bound", (t) => 1 / Math.sqrt(t));
      const average = (old: Tensor, value: Tensor) => add(old, mul(sub(value, old), added));

      const { updated, deviations } = spread(slots, add(square(gradient), epsilon1), average);
      const direction = deviations.reduce((part, deviation) => div(part, deviation), gradient);
      const short = div(direction, maximum(div(rms(direction), clipThreshold), 1));
      const decayed = decayWeights(parameter, rate, weightDecay, context);
      const size = mul(maximum(rms(decayed), epsilon2), relativeStep ? minimum(rate, bound) : rate);
      return { parameter: sub(decayed, mul(short, size)), slots: updated };
    },
  };
}

/** The slots with a further square, and factors of √v that follow from them. */
function spread(
  slots: Readonly<Record<string, Tensor>>,
  squared: Tensor,
  average: (old: Tensor, value: Tensor) => Tensor,
): { updated: Record<string, Tensor>; deviations: Tensor[] } {
  if (squared.rank < 2) {
    const variance = average(slots.variance, squared);
    return { updated: { variance }, deviations: [sqrt(variance)] };
  }
  const rows = average(slots.rows, mean(squared, -1));
  const columns = average(slots.columns, mean(squared, -2));
  const share = div(sqrt(rows), sqrt(mean(rows, -1, { keepDims: true })));
  return {
    updated: { rows, columns },
    // Not their product, which is 0 in float32 where neither row nor column has had a gradient.
    deviations: [expandDims(share, -1), expandDims(sqrt(columns), -2)],
  };
}

/** Root mean square of all elements. */
function rms(x: Tensor): Tensor {
  return sqrt(mean(square(x)));
}
