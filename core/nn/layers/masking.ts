import type { Shape } from "../../graph/shape.ts";
import type { Tensor } from "../../graph/tensor.ts";
import { cast } from "../../ops/cast.ts";
import { expandDims } from "../../ops/expand_dims.ts";
import { greater } from "../../ops/greater.ts";
import { max } from "../../ops/max.ts";
import { notEqual } from "../../ops/not_equal.ts";
import { select } from "../../ops/select.ts";
import { checkScalar } from "../check_scalar.ts";
import type { Layer } from "../layer.ts";

/** Options of {@link masking}. */
export interface MaskingOptions {
  /** Value that all features of a padded step have; default 0. */
  readonly maskValue?: number;
  /** Name; default `masking_1` and so on in the model. */
  readonly name?: string;
  /** Shape of the inputs without the batch, for a first layer. */
  readonly inputShape?: Shape;
}

/**
 * Makes a mask: a step whose features all have the `maskValue` is padding, which later layers, the
 * loss and the metrics leave out. Such steps become zeros.
 *
 * @param options What stands for padding, name, input shape.
 * @returns A layer from `[steps, ..., features]` to the same shape, without weights.
 * @throws {RangeError} when `maskValue` is not a finite number.
 *
 * @example
 * ```ts
 * import { input, lstm, masking, predict, sequential } from "@millrace/millrace";
 * import assert from "node:assert/strict";
 *
 * const model = sequential([input([3, 2]), masking(), lstm(4)]);
 * // Two steps and one of padding, and the same padded before.
 * const padded = { data: Float32Array.of(1, 2, 3, 4, 0, 0, 0, 0, 1, 2, 3, 4), shape: [2, 3, 2] };
 * const { data } = await predict(model, padded, { device: "cpu", threads: 1 });
 * assert.deepEqual(data.slice(0, 4), data.slice(4));
 * ```
 *
 * Keras: `Masking`. PyTorch: `pack_padded_sequence`, which goes by lengths.
 */
export function masking(options: MaskingOptions = {}): Layer {
  const { maskValue = 0, name = "", inputShape } = options;
  checkScalar("the maskValue of masking", maskValue);
  const counts = (x: Tensor) => greater(max(cast(notEqual(x, maskValue), "f32"), -1), 0);
  return {
    type: "Masking",
    config: { ...options },
    name,
    inputShape,
    init: (given) => ({ outputShape: given, parameters: [] }),
    apply: (_parameters, x) => select(expandDims(counts(x), x.rank - 1), x, 0),
    computeMask: counts,
  };
}
