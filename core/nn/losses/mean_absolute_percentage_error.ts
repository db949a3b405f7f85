import { abs } from "../../ops/abs.ts";
import { div } from "../../ops/div.ts";
import { maximum } from "../../ops/maximum.ts";
import { mul } from "../../ops/mul.ts";
import { sub } from "../../ops/sub.ts";
import type { Loss } from "../loss.ts";
import { type ErrorLossOptions, pairLoss } from "./error_loss.ts";
import { margin } from "./probabilities.ts";

/**
 * Mean absolute percentage error: 100 · |ŷ − y| / max(|y|, 1e-7), the mean over the outputs of a
 * sample, in percent.
 *
 * @param options `oneHot` takes class labels `[batch]`.
 * @returns A loss of targets `[batch, outputs]`; with one output `[batch]` will do. A target of 0 makes
 * it enormous.
 *
 * @example
 * ```ts
 * import { meanAbsolutePercentageError, tensor } from "@millrace/millrace";
 * import assert from "node:assert/strict";
 *
 * const losses = meanAbsolutePercentageError().apply(tensor([[4, 2]]), tensor([[5, 1]]));
 * assert.deepEqual([...await losses.data()], [37.5]); // 25% and 50%
 * ```
 *
 * Source: Keras's `MeanAbsolutePercentageError`. PyTorch has none.
 */
export function meanAbsolutePercentageError(options: ErrorLossOptions = {}): Loss {
  return pairLoss(
    "mean_absolute_percentage_error",
    "meanAbsolutePercentageError",
    options,
    (targets, outputs) => mul(div(abs(sub(targets, outputs)), maximum(abs(targets), margin)), 100),
  );
}
