import { elu } from "../../../ops/elu.ts";
import { checkScalar } from "../../check_scalar.ts";
import type { Layer } from "../../layer.ts";
import type { ActivationOptions } from "../activation.ts";

/** Options of {@link eluLayer}. */
export interface EluOptions extends ActivationOptions {
  /** α: minus the value towards −Infinity; default 1. */
  readonly alpha?: number;
}

/**
 * Exponential linear unit: y = x above 0, else α · (eˣ − 1).
 *
 * @param options α.
 * @returns A layer from `[batch, ...]` to the same shape, f32, without weights.
 * @throws {RangeError} when α is not finite.
 *
 * @example
 * ```ts
 * import { eluLayer, input, predict, sequential } from "@millrace/millrace";
 * import assert from "node:assert/strict";
 *
 * const model = sequential([input([2]), eluLayer({ alpha: 2 })]);
 * const inputs = { data: Float32Array.of(-50, 3), shape: [1, 2] };
 * const { data } = await predict(model, inputs, { device: "cpu", threads: 1 });
 * assert.deepEqual([...data], [-2, 3]);
 * ```
 *
 * Source: D. Clevert and others, https://arxiv.org/abs/1511.07289. Keras: `ELU`; the name `elu` is
 * the op's. PyTorch: `nn.ELU`.
 */
export function eluLayer(options: EluOptions = {}): Layer {
  const { alpha = 1, name = "", inputShape } = options;
  checkScalar("the alpha of eluLayer", alpha);
  return {
    type: "ELU",
    config: { ...options },
    name,
    inputShape,
    supportsMasking: true,
    init: (given) => ({ outputShape: given, parameters: [] }),
    apply: (_parameters, x) => elu(x, alpha),
  };
}
