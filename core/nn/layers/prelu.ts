import { mul } from "../../ops/mul.ts";
import { neg } from "../../ops/neg.ts";
import { relu } from "../../ops/relu.ts";
import { sub } from "../../ops/sub.ts";
import type { Constraint } from "../constraint.ts";
import type { Initializer } from "../initializer.ts";
import type { InitializerName } from "../initializers/by_name.ts";
import type { Layer } from "../layer.ts";
import type { Regularizer } from "../regularizer.ts";
import { featureAxes } from "./normalization.ts";
import { penalizeOutputs, weight, type WeightedLayerOptions } from "./weighted.ts";

/** Options of {@link prelu}. */
export interface PreluOptions extends WeightedLayerOptions {
  /** How the slopes start; default `zeros`. */
  readonly alphaInitializer?: InitializerName | Initializer;
  /** Penalty on the slopes; default none. */
  readonly alphaRegularizer?: Regularizer;
  /** What the slopes must keep after every update; default nothing. */
  readonly alphaConstraint?: Constraint;
  /** Axes along which one slope serves all, the batch being axis 0; default none. */
  readonly sharedAxes?: readonly number[];
}

/**
 * A rectifier that learns its slope below 0: x where x ≥ 0, else alpha · x.
 *
 * The weight `alpha` has the shape of a sample, with size 1 along `sharedAxes`.
 *
 * @param options Initializer, regularizer and constraint of the slopes, and where they are shared.
 * @returns A layer from `[batch, ...]` to the same shape.
 *
 * @example
 * ```ts
 * import { input, predict, prelu, sequential } from "@millrace/millrace";
 * import assert from "node:assert/strict";
 *
 * const model = sequential([input([2]), prelu()]);
 * model.parameters[0].set([0.5, 0.25]);
 * const inputs = { data: Float32Array.of(-8, -8, 8, 8), shape: [2, 2] };
 * const { data } = await predict(model, inputs, { device: "cpu", threads: 1 });
 * assert.deepEqual([...data], [-4, -2, 8, 8]);
 * ```
 *
 * Source: K. He and others, "Delving deep into rectifiers", 2015. Keras: `PReLU`. PyTorch: `PReLU`,
 * whose slopes start at 0.25, one in all or one a channel.
 */
export function prelu(options: PreluOptions = {}): Layer {
  const { name = "", inputShape, trainable, activityRegularizer, sharedAxes = [] } = options;
  const makeAlpha = weight("alpha", {
    initializer: options.alphaInitializer ?? "zeros",
    regularizer: options.alphaRegularizer,
    constraint: options.alphaConstraint,
  });
  return {
    type: "PReLU",
    config: { ...options },
    name,
    inputShape,
    trainable,
    supportsMasking: true,
    init(given, key) {
      const shared = sharedAxes.length === 0 ? [] : featureAxes(sharedAxes, given);
      const shape = given.map((size, place) => shared.includes(place + 1) ? 1 : size);
      return { outputShape: given, parameters: [makeAlpha(shape, key)] };
    },
    apply({ alpha }, x, context) {
      const outputs = sub(relu(x), mul(alpha, relu(neg(x))));
      return penalizeOutputs(outputs, activityRegularizer, context);
    },
  };
}
