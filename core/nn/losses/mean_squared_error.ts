import { square } from "../../ops/square.ts";
import type { Loss } from "../loss.ts";
import { errorLoss, type ErrorLossOptions } from "./error_loss.ts";

/**
 * Mean squared error: the mean of (ŷ − y)² over the outputs of a sample.
 *
 * @param options `oneHot` takes class labels `[batch]`, as for a network whose sigmoid outputs stand
 * for classes.
 * @returns A loss of targets `[batch, outputs]`; with one output `[batch]` will do.
 *
 * @example
 * ```ts
 * import { meanSquaredError, tensor } from "@millrace/millrace";
 * import assert from "node:assert/strict";
 *
 * const targets = tensor([[0, 1], [0, 0]]);
 * const outputs = tensor([[1, 1], [0, 2]]);
 * assert.deepEqual([...await meanSquaredError().apply(targets, outputs).data()], [0.5, 2]);
 * ```
 *
 * Keras: `MeanSquaredError`. PyTorch: `MSELoss`. Theirs broadcast `[batch]` against `[batch, 1]` to
 * `[batch, batch]` silently; here the two stand for each other.
 */
export function meanSquaredError(options: ErrorLossOptions = {}): Loss {
  return errorLoss("mean_squared_error", "meanSquaredError", options, square);
}
