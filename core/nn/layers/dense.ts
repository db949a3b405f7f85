import { ShapeError } from "../../graph/errors.ts";
import { formatShape } from "../../graph/shape.ts";
import type { Tensor } from "../../graph/tensor.ts";
import { add } from "../../ops/add.ts";
import { matmul } from "../../ops/matmul.ts";
import { reshape } from "../../ops/reshape.ts";
import {
  activatedShape,
  type ActivationFunction,
  type ActivationName,
  activationOf,
} from "../activations.ts";
import { checkCount } from "../check_count.ts";
import type { Constraint } from "../constraint.ts";
import type { Initializer } from "../initializer.ts";
import type { InitializerName } from "../initializers/by_name.ts";
import type { Layer } from "../layer.ts";
import type { Regularizer } from "../regularizer.ts";
import {
  biasWeight,
  kernelWeight,
  penalizeOutputs,
  type WeightedLayerOptions,
} from "./weighted.ts";

/** Options of {@link dense}. */
export interface DenseOptions extends WeightedLayerOptions {
  /** What is applied to the sums, by name or as a function; default `linear`. */
  readonly activation?: ActivationName | ActivationFunction;
  /** Whether a number is added for each unit; default true. */
  readonly useBias?: boolean;
  /** How the kernel starts; default `glorotUniform`. */
  readonly kernelInitializer?: InitializerName | Initializer;
  /** How the bias starts; default `zeros`. */
  readonly biasInitializer?: InitializerName | Initializer;
  /** Penalty on the kernel; default none. */
  readonly kernelRegularizer?: Regularizer;
  /** Penalty on the bias; default none. */
  readonly biasRegularizer?: Regularizer;
  /** What the kernel must keep after every update; default nothing. */
  readonly kernelConstraint?: Constraint;
  /** What the bias must keep after every update; default nothing. */
  readonly biasConstraint?: Constraint;
}

/**
 * A layer of units that each see all features: activation(x · kernel + bias).
 *
 * The weights are `kernel` `[features, units]` and `bias` `[units]`. Inputs are `[batch, features]`;
 * with more axes, the layer works on the last one.
 *
 * @param units Number of outputs, from 1.
 * @param options Activation, bias, initializers, regularizers, constraints, name.
 * @returns A layer from `[..., features]` to `[..., units]`.
 * @throws {RangeError} when `units` is not a whole number from 1, or a name is not known.
 *
 * @example
 * ```ts
 * import { dense, input, sequential } from "@millrace/millrace";
 * import assert from "node:assert/strict";
 *
 * const model = sequential([input([784]), dense(30, { activation: "relu" }), dense(10)]);
 * const counts = model.parameters.map((parameter) => [parameter.name, parameter.size]);
 * assert.deepEqual(counts, [
 *   ["dense_1/kernel", 23_520],
 *   ["dense_1/bias", 30],
 *   ["dense_2/kernel", 300],
 *   ["dense_2/bias", 10],
 * ]);
 * ```
 *
 * Keras: `Dense`. PyTorch: `nn.Linear`, which stores the kernel transposed and starts it otherwise.
 */
export function dense(units: number, options: DenseOptions = {}): Layer {
  const { useBias = true, name = "", inputShape, trainable, activityRegularizer } = options;
  checkCount("the units of dense", units, 1);
  const activate = activationOf(options.activation ?? "linear");
  const makeKernel = kernelWeight(options);
  const makeBias = biasWeight(options);
  return {
    type: "Dense",
    config: { units, ...options },
    name,
    inputShape,
    trainable,
    supportsMasking: true,
    init(given, key) {
      if (given.length === 0) {
        throw new ShapeError("expected input of one axis of features or more, got shape []");
      }
      const parameters = [makeKernel([given[given.length - 1], units], key)];
      if (useBias) parameters.push(makeBias([units], key));
      const outputShape = activatedShape(activate, [...given.slice(0, -1), units]);
      return { outputShape, parameters };
    },
    apply({ kernel, bias }, x, context) {
      checkFeatures(x, kernel.shape[0]);
      const rows = x.rank === 2 ? x : reshape(x, [-1, kernel.shape[0]]);
      const product = matmul(rows, kernel);
      const sums = useBias ? add(product, bias) : product;
      const shaped = (y: Tensor) =>
        x.rank === 2 ? y : reshape(y, [...x.shape.slice(0, -1), y.shape[1]]);
      // A function may go along any axis; what has a name goes along the last one.
      const outputs = typeof options.activation === "function"
        ? activate(shaped(sums))
        : shaped(activate(sums));
      return penalizeOutputs(outputs, activityRegularizer, context);
    },
  };
}

function checkFeatures(x: Tensor, features: number): void {
  if (x.rank >= 2 && x.shape[x.rank - 1] === features) return;
  const received = x.rank >= 2 ? `${x.shape[x.rank - 1]}` : `shape ${formatShape(x.shape)}`;
  throw new ShapeError(`expected input of ${features} features, got ${received}`);
}
