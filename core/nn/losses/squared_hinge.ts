import { square } from "../../ops/square.ts";
import type { Loss } from "../loss.ts";
import { type ErrorLossOptions, pairLoss } from "./error_loss.ts";
import { missingMargin } from "./hinge.ts";

/**
 * Squared hinge loss: max(1 − y · ŷ, 0)², the mean over the outputs of a sample.
 *
 * Targets are −1 and 1; a batch of nothing but 0 and 1 is taken as −1 and 1.
 *
 * @param options `oneHot` takes class labels `[batch]`.
 * @returns A loss of targets `[batch, outputs]`; with one output `[batch]` will do.
 *
 * @example
 * ```ts
 * import { squaredHinge, tensor } from "@millrace/millrace";
 * import assert from "node:assert/strict";
 *
 * const losses = squaredHinge().apply(tensor([-1, 1, 1]), tensor([-2, 0.5, -1]));
 * assert.deepEqual([...await losses.data()], [0, 0.25, 4]);
 * ```
 *
 * Source: Keras's `SquaredHinge`. PyTorch has none.
 */
export function squaredHinge(options: ErrorLossOptions = {}): Loss {
  return pairLoss(
    "squared_hinge",
    "squaredHinge",
    options,
    (targets, outputs) => square(missingMargin(targets, outputs)),
  );
}
