import type { Shape } from "../../graph/shape.ts";
import {
  activatedShape,
  type ActivationFunction,
  type ActivationName,
  activationOf,
} from "../activations.ts";
import type { Layer } from "../layer.ts";

/** Options of {@link activation}. */
export interface ActivationOptions {
  /** Name; default `activation_1`, `activation_2` and so on in the model. */
  readonly name?: string;
  /** Shape of the inputs without the batch, for a first layer. */
  readonly inputShape?: Shape;
}

/**
 * Applies an activation to its inputs: one by name, or a function of tensors.
 *
 * @param activation A name, or a function from `[batch, ...]` to the same shape.
 * @param options Name and input shape.
 * @returns A layer without weights.
 * @throws {RangeError} when no activation has that name.
 *
 * @example
 * ```ts
 * import { activation, dense, input, sequential } from "@millrace/millrace";
 * import assert from "node:assert/strict";
 *
 * const model = sequential([input([4]), dense(3), activation("relu")]);
 * assert.deepEqual(model.outputShape, [3]);
 * assert.throws(() => activation("rleu" as "relu"), /relu/);
 * ```
 *
 * Keras: `Activation`, and `ReLU`, `Softmax` and the others.
 */
export function activation(
  activation: ActivationName | ActivationFunction,
  options: ActivationOptions = {},
): Layer {
  const activate = activationOf(activation);
  return {
    type: "Activation",
    config: { activation, ...options },
    name: options.name ?? "",
    inputShape: options.inputShape,
    supportsMasking: true,
    init: (given) => ({ outputShape: activatedShape(activate, given), parameters: [] }),
    apply: (_parameters, x) => activate(x),
  };
}
