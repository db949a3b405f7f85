import type { Shape } from "../../graph/shape.ts";
import { div } from "../../ops/div.ts";
import { maximum } from "../../ops/maximum.ts";
import { sqrt } from "../../ops/sqrt.ts";
import { square } from "../../ops/square.ts";
import { sum } from "../../ops/sum.ts";
import type { Layer } from "../layer.ts";
import { checkNotOverSteps, featureAxes } from "./normalization.ts";

/** Options of {@link unitNormalization}. */
export interface UnitNormalizationOptions {
  /** Axes along which the length is taken, the batch being axis 0; default −1, the last. */
  readonly axis?: number | readonly number[];
  /** Name; default `unit_normalization_1` and so on in the model. */
  readonly name?: string;
  /** Shape of the inputs without the batch, for a first layer. */
  readonly inputShape?: Shape;
}

/** The square of the least length, 1e-12. */
const leastSquare = 1e-24;

/**
 * Gives the features of every sample a length of 1.
 *
 * y = x / max(√Σx², 1e-12), the sum along `axis`; zeros stay zeros.
 *
 * @param options Axes.
 * @returns A layer without weights, from `[batch, ..., features]` to the same shape.
 *
 * @example
 * ```ts
 * import { input, predict, sequential, unitNormalization } from "@millrace/millrace";
 * import assert from "node:assert/strict";
 *
 * const model = sequential([input([2]), unitNormalization()]);
 * const inputs = { data: Float32Array.of(0, -5, 0, 0), shape: [2, 2] };
 * const { data } = await predict(model, inputs, { device: "cpu", threads: 1 });
 * assert.deepEqual([...data], [0, -1, 0, 0]);
 * ```
 *
 * Keras: `UnitNormalization`. PyTorch: `functional.normalize`.
 */
export function unitNormalization(options: UnitNormalizationOptions = {}): Layer {
  const { axis = -1, name = "", inputShape } = options;
  return {
    type: "UnitNormalization",
    config: { ...options },
    name,
    inputShape,
    supportsMasking: true,
    init(given) {
      featureAxes(axis, given);
      return { outputShape: given, parameters: [] };
    },
    apply(_parameters, x, context) {
      const axes = featureAxes(axis, x.shape.slice(1));
      checkNotOverSteps(axes, [x], context);
      const length = sum(square(x), axes, { keepDims: true });
      // Bounded before the root, whose slope at 0 is infinite.
      return div(x, sqrt(maximum(length, leastSquare)));
    },
  };
}
