import { ShapeError } from "../../../graph/errors.ts";
import { formatShape, type Shape } from "../../../graph/shape.ts";
import { reshape } from "../../../ops/reshape.ts";
import type { Layer } from "../../layer.ts";
import { withParameterFields } from "../../parameter_fields.ts";
import { checkSingle } from "./check_single.ts";
import { layerContext } from "./inner_context.ts";

/** Options of {@link timeDistributed}. */
export interface TimeDistributedOptions {
  /** Name; default `time_distributed_1` and so on in the model. */
  readonly name?: string;
  /** Shape of the inputs without the batch, for a first layer. */
  readonly inputShape?: Shape;
  /** Whether optimizers change the layer's weights; default true. */
  readonly trainable?: boolean;
}

/**
 * A layer at every step of a sequence, with the same weights: the steps are rows of one batch.
 *
 * @param layer The layer; its weights keep their names.
 * @param options Name and input shape.
 * @returns A layer from `[steps, ...inputs]` to `[steps, ...outputs]`.
 * @throws {TypeError} when the layer gives several outputs.
 *
 * @example
 * ```ts
 * import { conv2d, input, sequential, timeDistributed } from "@millrace/millrace";
 * import assert from "node:assert/strict";
 *
 * const model = sequential([input([5, 9, 9, 1]), timeDistributed(conv2d(4, 3))]);
 * assert.deepEqual(model.outputShape, [5, 7, 7, 4]);
 * ```
 *
 * Keras: `TimeDistributed`.
 */
export function timeDistributed(layer: Layer, options: TimeDistributedOptions = {}): Layer {
  const { name = "", inputShape, trainable } = options;
  checkSingle("timeDistributed", layer);
  return {
    type: "TimeDistributed",
    config: { layer, ...options },
    name,
    inputShape,
    trainable,
    supportsMasking: true,
    init(given, key) {
      if (given.length === 0) {
        throw new ShapeError(
          `expected input with an axis of steps, got shape ${formatShape(given)}`,
        );
      }
      const [steps, ...inner] = given;
      const { outputShape, parameters } = layer.init(inner, key);
      return {
        outputShape: [steps, ...outputShape],
        parameters: parameters.map((made) =>
          withParameterFields(made, { trainable: made.trainable && layer.trainable !== false })
        ),
      };
    },
    apply(parameters, x, context) {
      const [batch, steps, ...inner] = x.shape;
      // The mask is of steps, and the layer sees none.
      const within = layerContext(layer, context, "", undefined);
      const y = layer.apply(parameters, reshape(x, [batch * steps, ...inner]), within);
      return reshape(y, [batch, steps, ...y.shape.slice(1)]);
    },
  };
}
