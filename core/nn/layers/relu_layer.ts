import type { Shape } from "../../graph/shape.ts";
import type { Tensor } from "../../graph/tensor.ts";
import { greater } from "../../ops/greater.ts";
import { minimum } from "../../ops/minimum.ts";
import { mul } from "../../ops/mul.ts";
import { relu } from "../../ops/relu.ts";
import { select } from "../../ops/select.ts";
import { sub } from "../../ops/sub.ts";
import { checkScalar } from "../check_scalar.ts";
import type { Layer } from "../layer.ts";

/** Options of {@link reluLayer}. */
export interface ReluLayerOptions {
  /** Largest output, at least 0; default none. */
  readonly maxValue?: number;
  /** Slope below the threshold, at least 0; default 0. */
  readonly negativeSlope?: number;
  /** Where the line begins, at least 0; default 0. */
  readonly threshold?: number;
  /** Name; default `re_lu_1`, `re_lu_2` and so on in the model. */
  readonly name?: string;
  /** Shape of the inputs without the batch, for a first layer. */
  readonly inputShape?: Shape;
}

/**
 * Rectified linear unit with a largest value, a slope below, and a threshold.
 *
 * min(x, maxValue) above the threshold, else negativeSlope · (x − threshold). Without options
 * `activation("relu")` is the same.
 *
 * @param options `maxValue`, `negativeSlope`, `threshold`, name and input shape.
 * @returns A layer without weights.
 * @throws {RangeError} when a number is negative or not finite.
 *
 * @example
 * ```ts
 * import { reluLayer } from "@millrace/millrace";
 * import assert from "node:assert/strict";
 *
 * const layer = reluLayer({ maxValue: 2, negativeSlope: 0.5, threshold: 1 });
 * assert.equal(layer.type, "ReLU");
 * assert.throws(() => reluLayer({ maxValue: -1 }), RangeError);
 * ```
 *
 * Source: Keras's `ReLU(max_value, negative_slope, threshold)`. PyTorch: `ReLU`, `ReLU6`, `LeakyReLU`.
 */
export function reluLayer(options: ReluLayerOptions = {}): Layer {
  const { maxValue, negativeSlope = 0, threshold = 0 } = options;
  if (maxValue !== undefined) {
    checkScalar("the maxValue of reluLayer", maxValue, { minimum: 0 });
  }
  checkScalar("the negativeSlope of reluLayer", negativeSlope, { minimum: 0 });
  checkScalar("the threshold of reluLayer", threshold, { minimum: 0 });
  const below = (x: Tensor) => negativeSlope === 0 ? 0 : mul(sub(x, threshold), negativeSlope);
  return {
    type: "ReLU",
    config: { ...options },
    name: options.name ?? "",
    inputShape: options.inputShape,
    supportsMasking: true,
    init: (given) => ({ outputShape: given, parameters: [] }),
    apply: (_parameters, x) => {
      // The op's gradient needs its result alone, which the next layer keeps in any case.
      if (maxValue === undefined && negativeSlope === 0 && threshold === 0) return relu(x);
      const above = maxValue === undefined ? x : minimum(x, maxValue);
      return select(greater(x, threshold), above, below(x));
    },
  };
}
