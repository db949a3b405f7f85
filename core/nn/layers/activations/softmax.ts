import type { Shape } from "../../../graph/shape.ts";
import { exp } from "../../../ops/exp.ts";
import { logSumExp } from "../../../ops/log_sum_exp.ts";
import { softmax } from "../../../ops/softmax.ts";
import { sub } from "../../../ops/sub.ts";
import type { Layer } from "../../layer.ts";
import type { ActivationOptions } from "../activation.ts";
import { checkNotOverSteps, featureAxes } from "../normalization.ts";

/** Options of {@link softmaxLayer}. */
export interface SoftmaxOptions extends ActivationOptions {
  /** Axes over which outputs add up to 1, the batch being axis 0; default −1, the last. */
  readonly axis?: number | readonly number[];
}

/**
 * Shares that add up to 1: y = eˣ / Σ eˣ, summed over `axis`.
 *
 * @param options The axis, or several whose elements share.
 * @returns A layer from `[batch, ...]` to the same shape, f32, in [0, 1], without weights.
 *
 * @example
 * ```ts
 * import { input, predict, sequential, softmaxLayer } from "@millrace/millrace";
 * import assert from "node:assert/strict";
 *
 * const model = sequential([input([2, 2]), softmaxLayer({ axis: 1 })]);
 * const inputs = { data: Float32Array.of(3, 0, 3, 1000), shape: [1, 2, 2] };
 * const { data } = await predict(model, inputs, { device: "cpu", threads: 1 });
 * assert.deepEqual([...data], [0.5, 0, 0.5, 1]);
 * ```
 *
 * Keras: `Softmax`, whose call takes a mask, too: here add −1e9 where nothing may go. The name
 * `softmax` is the op's. PyTorch: `nn.Softmax`.
 */
export function softmaxLayer(options: SoftmaxOptions = {}): Layer {
  const { axis = -1, name = "", inputShape } = options;
  const axesOf = (shape: Shape) => featureAxes(axis, shape);
  return {
    type: "Softmax",
    config: { ...options },
    name,
    inputShape,
    supportsMasking: true,
    init(given) {
      axesOf(given);
      return { outputShape: given, parameters: [] };
    },
    apply(_parameters, x, context) {
      const axes = axesOf(x.shape.slice(1));
      checkNotOverSteps(axes, [x], context);
      if (axes.length === 1) return softmax(x, axes[0]);
      return exp(sub(x, logSumExp(x, axes, { keepDims: true })));
    },
  };
}
