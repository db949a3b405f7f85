import { ShapeError } from "../../graph/errors.ts";
import type { Tensor } from "../../graph/tensor.ts";
import { reshape } from "../../ops/reshape.ts";
import { checkCount } from "../check_count.ts";
import type { Layer } from "../layer.ts";
import {
  affineWeights,
  checkEpsilon,
  featureAxes,
  moments,
  type NormalizationOptions,
  normalize,
} from "./normalization.ts";
import { penalizeOutputs } from "./weighted.ts";

/** Options of {@link groupNormalization}. */
export interface GroupNormalizationOptions extends NormalizationOptions {
  /** Groups of features, a divisor of their number; default 32; −1 for one a feature. */
  readonly groups?: number;
  /** Axis of the features, the batch being axis 0; default −1, the last. */
  readonly axis?: number;
}

/**
 * Gives every group of features of a sample mean 0 and variance 1, over all places, then scales
 * and shifts each feature.
 *
 * y = gamma · (x − μ) / √(σ² + epsilon) + beta. With one group it normalises whole samples, with a
 * group a feature it is instance normalisation. The weights `gamma` and `beta` are `[features]`.
 *
 * @param options Groups, axis, epsilon, initializers, regularizers, constraints.
 * @returns A layer from `[batch, ..., features]` to the same shape; it is the same in inference.
 * @throws {RangeError} when `groups` is neither −1 nor a whole number from 1, or epsilon not above 0.
 *
 * @example
 * ```ts
 * import { groupNormalization, input, predict, sequential } from "@millrace/millrace";
 * import assert from "node:assert/strict";
 *
 * const model = sequential([input([4]), groupNormalization({ groups: 2, epsilon: 1e-9 })]);
 * const inputs = { data: Float32Array.of(1, 3, 20, 10), shape: [1, 4] };
 * const { data } = await predict(model, inputs, { device: "cpu", threads: 1 });
 * assert.deepEqual([...data], [-1, 1, 1, -1]);
 * ```
 *
 * Source: Y. Wu, K. He, "Group normalization", 2018. Keras: `GroupNormalization`. PyTorch:
 * `GroupNorm`, with epsilon 1e-5.
 */
export function groupNormalization(options: GroupNormalizationOptions = {}): Layer {
  const { name = "", inputShape, trainable, activityRegularizer } = options;
  const { groups = 32, axis = -1, epsilon = 0.001 } = options;
  if (groups !== -1) checkCount("the groups of groupNormalization", groups, 1);
  checkEpsilon("groupNormalization", epsilon);
  const makeAffine = affineWeights(options);
  const groupsOf = (features: number) => groups === -1 ? features : groups;
  return {
    type: "GroupNormalization",
    config: { ...options },
    name,
    inputShape,
    trainable,
    supportsMasking: true,
    // Means and variances are those of all steps.
    decodes: false,
    init(given, key) {
      const features = given[featureAxes(axis, given)[0] - 1];
      if (features % groupsOf(features) !== 0) {
        throw new ShapeError(
          `expected features that ${groups} groups divide, got ${features} (set the option groups)`,
        );
      }
      return { outputShape: given, parameters: makeAffine([features], key) };
    },
    apply({ gamma, beta }, x, context) {
      const [place] = featureAxes(axis, x.shape.slice(1));
      const count = groupsOf(x.shape[place]);
      // The axis of features as two: groups, and features in a group.
      const split = (sizes: readonly number[], first: number, second: number) => [
        ...sizes.slice(0, place),
        first,
        second,
        ...sizes.slice(place + 1),
      ];
      const size = x.shape[place] / count;
      const grouped = reshape(x, split(x.shape, count, size));
      const ones = x.shape.map(() => 1);
      const along = (value: Tensor | undefined) =>
        value && reshape(value, split(ones, count, size));
      const axes = grouped.shape.map((_, each) => each).filter((each) =>
        each !== 0 && each !== place
      );
      const normal = normalize(
        grouped,
        moments(grouped, axes),
        epsilon,
        along(gamma),
        along(beta),
      );
      return penalizeOutputs(reshape(normal, x.shape), activityRegularizer, context);
    },
  };
}
