import type { Tensor } from "../../graph/tensor.ts";
import { log1p } from "../../ops/log1p.ts";
import { maximum } from "../../ops/maximum.ts";
import { square } from "../../ops/square.ts";
import { sub } from "../../ops/sub.ts";
import type { Loss } from "../loss.ts";
import { type ErrorLossOptions, pairLoss } from "./error_loss.ts";
import { margin } from "./probabilities.ts";

/**
 * Mean squared logarithmic error: the mean of (log(1 + ŷ) − log(1 + y))² over the outputs of a sample,
 * for counts and prices, where the ratio is what matters.
 *
 * Outputs and targets below 1e-7 count as 1e-7; such an output gets no gradient.
 *
 * @param options `oneHot` takes class labels `[batch]`.
 * @returns A loss of targets `[batch, outputs]`, at least 0; with one output `[batch]` will do.
 *
 * @example
 * ```ts
 * import { meanSquaredLogarithmicError, tensor } from "@millrace/millrace";
 * import assert from "node:assert/strict";
 *
 * const losses = meanSquaredLogarithmicError().apply(tensor([1]), tensor([[3]]));
 * const [loss] = await losses.data();
 * assert(Math.abs(loss - Math.LN2 ** 2) < 1e-6); // log 4 − log 2
 * ```
 *
 * Source: Keras's `MeanSquaredLogarithmicError`. PyTorch has none.
 */
export function meanSquaredLogarithmicError(options: ErrorLossOptions = {}): Loss {
  const logarithm = (x: Tensor) => log1p(maximum(x, margin));
  return pairLoss(
    "mean_squared_logarithmic_error",
    "meanSquaredLogarithmicError",
    options,
    (targets, outputs) => square(sub(logarithm(outputs), logarithm(targets))),
  );
}
