import type { Tensor } from "../../graph/tensor.ts";
import type { Layer } from "../layer.ts";
import {
  affineWeights,
  alongAxes,
  checkEpsilon,
  checkNotOverSteps,
  featureAxes,
  moments,
  type NormalizationOptions,
  normalize,
} from "./normalization.ts";
import { penalizeOutputs } from "./weighted.ts";

/** Options of {@link layerNormalization}. */
export interface LayerNormalizationOptions extends NormalizationOptions {
  /** Axes over which a sample is normalised, the batch being axis 0; default −1, the last. */
  readonly axis?: number | readonly number[];
}

/**
 * Gives the features of every sample mean 0 and variance 1, then scales and shifts each feature.
 *
 * y = gamma · (x − μ) / √(σ² + epsilon) + beta, with the mean and the variance of the sample along
 * `axis`. The weights `gamma` and `beta` have the sizes of these axes.
 *
 * @param options Axes, epsilon, initializers, regularizers, constraints.
 * @returns A layer from `[batch, ..., features]` to the same shape; it is the same in inference.
 * @throws {RangeError} when epsilon is not above 0.
 *
 * @example
 * ```ts
 * import { input, layerNormalization, predict, sequential } from "@millrace/millrace";
 * import assert from "node:assert/strict";
 *
 * const model = sequential([input([2]), layerNormalization({ epsilon: 1e-9 })]);
 * const inputs = { data: Float32Array.of(1, 3, 10, -10), shape: [2, 2] };
 * const { data } = await predict(model, inputs, { device: "cpu", threads: 1 });
 * assert.deepEqual([...data], [-1, 1, 1, -1]);
 * ```
 *
 * Source: J. Ba, J. Kiros, G. Hinton, "Layer normalization", 2016. Keras: `LayerNormalization`.
 * PyTorch: `LayerNorm`, with epsilon 1e-5.
 */
export function layerNormalization(options: LayerNormalizationOptions = {}): Layer {
  const { name = "", inputShape, trainable, activityRegularizer } = options;
  const { axis = -1, epsilon = 0.001 } = options;
  checkEpsilon("layerNormalization", epsilon);
  const makeAffine = affineWeights(options);
  return {
    type: "LayerNormalization",
    config: { ...options },
    name,
    inputShape,
    trainable,
    supportsMasking: true,
    init(given, key) {
      const shape = featureAxes(axis, given).map((place) => given[place - 1]);
      return { outputShape: given, parameters: makeAffine(shape, key) };
    },
    apply({ gamma, beta }, x, context) {
      const axes = featureAxes(axis, x.shape.slice(1));
      checkNotOverSteps(axes, [x], context);
      const along = (value: Tensor | undefined) => value && alongAxes(value, axes, x);
      const outputs = normalize(x, moments(x, axes), epsilon, along(gamma), along(beta));
      return penalizeOutputs(outputs, activityRegularizer, context);
    },
  };
}
