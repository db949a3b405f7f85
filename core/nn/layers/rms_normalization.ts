import { add } from "../../ops/add.ts";
import { div } from "../../ops/div.ts";
import { mul } from "../../ops/mul.ts";
import { sqrt } from "../../ops/sqrt.ts";
import { square } from "../../ops/square.ts";
import { mean } from "../../ops/sum.ts";
import type { Layer } from "../layer.ts";
import { alongAxes, checkEpsilon, checkNotOverSteps, featureAxes } from "./normalization.ts";
import { penalizeOutputs, weight, type WeightedLayerOptions } from "./weighted.ts";

/** Options of {@link rmsNormalization}. */
export interface RmsNormalizationOptions extends WeightedLayerOptions {
  /** Axes over which a sample is normalised, the batch being axis 0; default −1, the last. */
  readonly axis?: number | readonly number[];
  /** What is added to the mean square, above 0; default 1e-6. */
  readonly epsilon?: number;
}

/**
 * Gives the features of every sample a mean square of 1, then scales each feature.
 *
 * y = scale · x / √(mean x² + epsilon), the mean along `axis`. The weight `scale` starts with ones
 * and has the sizes of these axes.
 *
 * @param options Axes and epsilon.
 * @returns A layer from `[batch, ..., features]` to the same shape; it is the same in inference.
 * @throws {RangeError} when epsilon is not above 0.
 *
 * @example
 * ```ts
 * import { input, predict, rmsNormalization, sequential } from "@millrace/millrace";
 * import assert from "node:assert/strict";
 *
 * const model = sequential([input([2]), rmsNormalization({ epsilon: 1e-9 })]);
 * const inputs = { data: Float32Array.of(3, 3, -5, 5), shape: [2, 2] };
 * const { data } = await predict(model, inputs, { device: "cpu", threads: 1 });
 * assert.deepEqual([...data], [1, 1, -1, 1]);
 * ```
 *
 * Source: B. Zhang, R. Sennrich, "Root mean square layer normalization", 2019. Keras:
 * `RMSNormalization`. PyTorch: `RMSNorm`.
 */
export function rmsNormalization(options: RmsNormalizationOptions = {}): Layer {
  const { name = "", inputShape, trainable, activityRegularizer } = options;
  const { axis = -1, epsilon = 1e-6 } = options;
  checkEpsilon("rmsNormalization", epsilon);
  const makeScale = weight("scale", { initializer: "ones" });
  return {
    type: "RMSNormalization",
    config: { ...options },
    name,
    inputShape,
    trainable,
    supportsMasking: true,
    init(given, key) {
      const shape = featureAxes(axis, given).map((place) => given[place - 1]);
      return { outputShape: given, parameters: [makeScale(shape, key)] };
    },
    apply({ scale }, x, context) {
      const axes = featureAxes(axis, x.shape.slice(1));
      checkNotOverSteps(axes, [x], context);
      const power = mean(square(x), axes, { keepDims: true });
      const inverse = div(1, sqrt(add(power, epsilon)));
      const outputs = mul(mul(x, inverse), alongAxes(scale, axes, x));
      return penalizeOutputs(outputs, activityRegularizer, context);
    },
  };
}
