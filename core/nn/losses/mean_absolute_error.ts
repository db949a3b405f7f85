import { abs } from "../../ops/abs.ts";
import type { Loss } from "../loss.ts";
import { errorLoss, type ErrorLossOptions } from "./error_loss.ts";

/**
 * Mean absolute error: the mean of |ŷ − y| over the outputs of a sample.
 *
 * @param options `oneHot` takes class labels `[batch]`.
 * @returns A loss of targets `[batch, outputs]`; with one output `[batch]` will do.
 *
 * @example
 * ```ts
 * import { meanAbsoluteError, tensor } from "@millrace/millrace";
 * import assert from "node:assert/strict";
 *
 * const losses = meanAbsoluteError().apply(tensor([[0, 1]]), tensor([[3, 0]]));
 * assert.deepEqual([...await losses.data()], [2]);
 * ```
 *
 * Keras: `MeanAbsoluteError`. PyTorch: `L1Loss`.
 */
export function meanAbsoluteError(options: ErrorLossOptions = {}): Loss {
  return errorLoss("mean_absolute_error", "meanAbsoluteError", options, abs);
}
