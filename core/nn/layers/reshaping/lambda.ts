import { ShapeError } from "../../../graph/errors.ts";
import { inputLeaf } from "../../../graph/leaf.ts";
import { formatShape } from "../../../graph/shape.ts";
import type { Tensor } from "../../../graph/tensor.ts";
import type { ApplyContext, Layer } from "../../layer.ts";
import { shapeContext } from "../shape_context.ts";
import type { PlainOptions } from "./plain.ts";

/**
 * Applies a function of tensors.
 *
 * @param compute A function from `[batch, ...]` to `[batch, ...]`, f32, which is also given what a layer
 * may ask of the run, such as random keys. It is called with symbols when a model is made and when a
 * run is planned, not at each step.
 * @param options Name and input shape.
 * @returns A layer without weights. `modelToJson` refuses it, as a text holds no functions: write a
 * layer of your own, or a named `activation`, for a model that is to be written.
 * @throws {ShapeError} when a model is made and the function does not keep the batch.
 *
 * @example
 * ```ts
 * import { input, lambda, predict, sequential } from "@millrace/millrace";
 * import assert from "node:assert/strict";
 *
 * const model = sequential([input([3]), lambda((x) => x.square().sum(-1, { keepDims: true }))]);
 * const inputs = { data: Float32Array.of(1, 2, 3), shape: [1, 3] };
 * const { data } = await predict(model, inputs, { device: "cpu", threads: 1 });
 * assert.deepEqual([model.outputShape, [...data]], [[1], [14]]);
 * ```
 *
 * Keras: `Lambda`, which may be told an output shape: here it follows from the function; of several
 * inputs: {@link mergeLambda}.
 */
export function lambda(
  compute: (x: Tensor, context: ApplyContext) => Tensor,
  options: PlainOptions = {},
): Layer {
  if (typeof compute !== "function") {
    throw new TypeError(
      `Cannot make lambda as it needs a function of a tensor: received ${typeof compute}`,
    );
  }
  return {
    type: "Lambda",
    config: { compute, ...options },
    name: options.name ?? "",
    inputShape: options.inputShape,
    init(given) {
      const batch = 2;
      const { shape } = compute(inputLeaf("x", [batch, ...given], "f32"), shapeContext);
      if (shape[0] === batch) return { outputShape: shape.slice(1), parameters: [] };
      throw new ShapeError(
        `expected a function that keeps the batch, got ${formatShape(shape)} for inputs ` +
          `${formatShape([batch, ...given])}`,
      );
    },
    apply: (_parameters, x, context) => compute(x, context),
  };
}
