import { ShapeError } from "../../../graph/errors.ts";
import { inputLeaf } from "../../../graph/leaf.ts";
import { formatShape } from "../../../graph/shape.ts";
import type { Tensor } from "../../../graph/tensor.ts";
import type { ApplyContext } from "../../layer.ts";
import type { MergeLayer } from "../../merge_layer.ts";
import { shapeContext } from "../shape_context.ts";
import type { MergeOptions } from "./elementwise.ts";

/**
 * Applies a function of several tensors, as {@link lambda} does one of a single tensor.
 *
 * One of its inputs may be what another was made of: `gradients` then gives the slope of the one by
 * the other, as the penalty of a critic needs it.
 *
 * @param compute A function of a list of tensors, each `[batch, ...]`, and of what a layer may ask of
 * the run, such as random keys; it gives `[batch, ...]`, f32. It is called with symbols when a model is
 * made and when a run is planned, not at each step.
 * @param options Name.
 * @returns A layer of several inputs, without weights. `modelToJson` refuses it, as a text holds no
 * functions.
 * @throws {ShapeError} when a model is made and the function does not keep the batch.
 *
 * @example
 * ```ts
 * import {
 *   connect, dense, functional, input, mergeLambda, normal, predict,
 * } from "@millrace/millrace";
 * import assert from "node:assert/strict";
 *
 * // A code of a mean and a logarithm of the variance: drawn in training, the mean else.
 * const sampling = mergeLambda(([mean, logVariance], { training, randomKey, counter }) =>
 *   training
 *     ? mean.add(logVariance.div(2).exp().mul(normal(randomKey("noise"), mean.shape, counter)))
 *     : mean
 * );
 * const x = input([4]);
 * const mean = connect(x, dense(2));
 * const code = connect([mean, connect(x, dense(2))], sampling);
 * const model = functional({ inputs: { x }, outputs: { code, mean } });
 * const made = await predict(model, { x: [[1, 2, 3, 4]] }, { device: "cpu", threads: 1 });
 * assert.deepEqual(made.code.data, made.mean.data);
 * ```
 *
 * Keras: `Lambda` on a list. PyTorch: a line of a `forward` of your own.
 */
export function mergeLambda(
  compute: (inputs: readonly Tensor[], context: ApplyContext) => Tensor,
  options: MergeOptions = {},
): MergeLayer {
  if (typeof compute !== "function") {
    throw new TypeError(
      `Cannot make mergeLambda as it needs a function of tensors: received ${typeof compute}`,
    );
  }
  return {
    merges: true,
    type: "MergeLambda",
    config: { compute, ...options },
    name: options.name ?? "",
    init(given) {
      const batch = 2;
      const inputs = given.map((shape) => inputLeaf("x", [batch, ...shape], "f32"));
      const { shape } = compute(inputs, shapeContext);
      if (shape[0] === batch) return { outputShape: shape.slice(1), parameters: [] };
      throw new ShapeError(
        `expected a function that keeps the batch, got ${formatShape(shape)} for inputs ` +
          inputs.map((input) => formatShape(input.shape)).join(", "),
      );
    },
    apply: (_parameters, inputs, context) => compute(inputs, context),
  };
}
