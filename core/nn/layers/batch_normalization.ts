import type { Tensor } from "../../graph/tensor.ts";
import { add } from "../../ops/add.ts";
import { mul } from "../../ops/mul.ts";
import { reshape } from "../../ops/reshape.ts";
import { sub } from "../../ops/sub.ts";
import type { Initializer } from "../initializer.ts";
import type { InitializerName } from "../initializers/by_name.ts";
import type { Layer } from "../layer.ts";
import { checkScalarSource, type ScalarSource } from "../scalar.ts";
import {
  affineWeights,
  alongAxes,
  checkEpsilon,
  featureAxes,
  moments,
  type NormalizationOptions,
  normalize,
} from "./normalization.ts";
import { penalizeOutputs, weight } from "./weighted.ts";

/** Options of {@link batchNormalization}. */
export interface BatchNormalizationOptions extends NormalizationOptions {
  /** Axis of the features, the batch being axis 0; default −1, the last. */
  readonly axis?: number;
  /** Part of the moving averages that is kept at a step, 0 to 1; default 0.99. */
  readonly momentum?: ScalarSource;
  /** How the moving mean starts; default `zeros`. */
  readonly movingMeanInitializer?: InitializerName | Initializer;
  /** How the moving variance starts; default `ones`. */
  readonly movingVarianceInitializer?: InitializerName | Initializer;
}

const fractions = { minimum: 0, maximum: 1 };

/**
 * Gives every feature mean 0 and variance 1 over the batch, then scales and shifts it.
 *
 * In training y = gamma · (x − μ) / √(σ² + epsilon) + beta, with the mean and the variance (over n)
 * of the batch; and the moving averages follow: m ← momentum · m + (1 − momentum) · μ. In inference,
 * and in training too where the layer is frozen, the moving averages stand for μ and σ².
 *
 * The weights are `gamma`, `beta`, and, not trainable, `moving_mean` and `moving_variance`, all
 * `[features]`.
 *
 * @param options Axis, momentum, epsilon, initializers, regularizers, constraints.
 * @returns A layer from `[batch, ..., features]` to the same shape.
 * @throws {RangeError} when a constant is out of its range.
 *
 * @example
 * ```ts
 * import { batchNormalization, dense, input, sequential } from "@millrace/millrace";
 * import assert from "node:assert/strict";
 *
 * const model = sequential([input([4]), dense(8, { useBias: false }), batchNormalization()]);
 * const names = model.parameters.filter(({ trainable }) => !trainable).map(({ name }) => name);
 * assert.deepEqual(names, [
 *   "batch_normalization_1/moving_mean",
 *   "batch_normalization_1/moving_variance",
 * ]);
 * ```
 *
 * Source: S. Ioffe, C. Szegedy, "Batch normalization", 2015. Keras: `BatchNormalization`. PyTorch:
 * `BatchNorm1d` and so on, with epsilon 1e-5, a momentum that is 1 minus ours (default 0.1), and the
 * variance over n − 1 in the moving average.
 */
export function batchNormalization(options: BatchNormalizationOptions = {}): Layer {
  const { name = "", inputShape, trainable, activityRegularizer } = options;
  const { axis = -1, momentum = 0.99, epsilon = 0.001 } = options;
  checkScalarSource("the momentum of batchNormalization", momentum, fractions);
  checkEpsilon("batchNormalization", epsilon);
  const makeAffine = affineWeights(options);
  const makeMean = weight("moving_mean", {
    initializer: options.movingMeanInitializer ?? "zeros",
    trainable: false,
  });
  const makeVariance = weight("moving_variance", {
    initializer: options.movingVarianceInitializer ?? "ones",
    trainable: false,
  });
  return {
    type: "BatchNormalization",
    config: { ...options },
    name,
    inputShape,
    trainable,
    supportsMasking: true,
    init(given, key) {
      const [place] = featureAxes(axis, given);
      const shape = [given[place - 1]];
      return {
        outputShape: given,
        parameters: [...makeAffine(shape, key), makeMean(shape, key), makeVariance(shape, key)],
      };
    },
    apply({ gamma, beta, moving_mean, moving_variance }, x, context) {
      const axes = featureAxes(axis, x.shape.slice(1));
      const along = (value: Tensor | undefined) => value && alongAxes(value, axes, x);
      const ofBatch = context.training && context.trainable;
      const used = ofBatch
        ? moments(
          x,
          x.shape.map((_, place) => place).filter((place) => !axes.includes(place)),
          context.masks[0],
        )
        : { average: along(moving_mean)!, variance: along(moving_variance)! };
      if (ofBatch) {
        const kept = context.scalar(momentum, "momentum", fractions);
        const follow = (moving: Tensor, value: Tensor) =>
          add(mul(moving, kept), mul(reshape(value, moving.shape), sub(1, kept)));
        context.assign("moving_mean", follow(moving_mean, used.average));
        context.assign("moving_variance", follow(moving_variance, used.variance));
      }
      const outputs = normalize(x, used, epsilon, along(gamma), along(beta));
      return penalizeOutputs(outputs, activityRegularizer, context);
    },
  };
}
