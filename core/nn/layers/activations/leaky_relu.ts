import { leakyRelu } from "../../../ops/activations.ts";
import { checkScalar } from "../../check_scalar.ts";
import type { Layer } from "../../layer.ts";
import type { ActivationOptions } from "../activation.ts";

/** Options of {@link leakyReluLayer}. */
export interface LeakyReluOptions extends ActivationOptions {
  /** Slope below 0, at least 0; default 0.3. */
  readonly negativeSlope?: number;
}

/**
 * Rectified linear unit that lets a little through below 0: y = x above 0, else negativeSlope · x.
 *
 * @param options The slope.
 * @returns A layer from `[batch, ...]` to the same shape, f32, without weights.
 * @throws {RangeError} when the slope is negative or not finite.
 *
 * @example
 * ```ts
 * import { input, leakyReluLayer, predict, sequential } from "@millrace/millrace";
 * import assert from "node:assert/strict";
 *
 * const model = sequential([input([2]), leakyReluLayer({ negativeSlope: 0.25 })]);
 * const inputs = { data: Float32Array.of(-8, 3), shape: [1, 2] };
 * const { data } = await predict(model, inputs, { device: "cpu", threads: 1 });
 * assert.deepEqual([...data], [-2, 3]);
 * ```
 *
 * Keras: `LeakyReLU`; the name `leakyRelu` is the op's. PyTorch: `nn.LeakyReLU`, whose slope is 0.01.
 */
export function leakyReluLayer(options: LeakyReluOptions = {}): Layer {
  const { negativeSlope = 0.3, name = "", inputShape } = options;
  checkScalar("the negativeSlope of leakyReluLayer", negativeSlope, { minimum: 0 });
  return {
    type: "LeakyReLU",
    config: { ...options },
    name,
    inputShape,
    supportsMasking: true,
    init: (given) => ({ outputShape: given, parameters: [] }),
    apply: (_parameters, x) => leakyRelu(x, negativeSlope),
  };
}
