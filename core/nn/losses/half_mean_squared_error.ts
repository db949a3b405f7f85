import { mul } from "../../ops/mul.ts";
import { square } from "../../ops/square.ts";
import { sum } from "../../ops/sum.ts";
import type { Loss } from "../loss.ts";
import { errorLoss, type ErrorLossOptions } from "./error_loss.ts";
import { meanPerSample } from "./targets.ts";

/** Options of {@link halfMeanSquaredError}. */
export interface HalfMeanSquaredErrorOptions extends ErrorLossOptions {
  /** Whether the outputs of a sample are added up rather than averaged; default false. */
  readonly sumOutputs?: boolean;
}

/**
 * Half the mean squared error, J = 1/(2m) Σ (ŷ − y)², whose derivative is (ŷ − y)/m.
 *
 * With one output a sample, m is the number of samples. With several, each sample counts by their
 * mean, or by their sum with `sumOutputs`.
 *
 * @param options `oneHot` takes class labels `[batch]`; `sumOutputs` adds outputs up.
 * @returns A loss of targets `[batch, outputs]`; with one output `[batch]` will do.
 *
 * @example
 * ```ts
 * import { halfMeanSquaredError, tensor } from "@millrace/millrace";
 * import assert from "node:assert/strict";
 *
 * const losses = halfMeanSquaredError().apply(tensor([1, 2]), tensor([[3], [2]]));
 * assert.deepEqual([...await losses.data()], [2, 0]);
 * ```
 *
 * Source: lecture notes on linear regression; neither Keras nor PyTorch has it.
 */
export function halfMeanSquaredError(options: HalfMeanSquaredErrorOptions = {}): Loss {
  const axes = (rank: number) => Array.from({ length: rank - 1 }, (_, axis) => axis + 1);
  return errorLoss(
    "half_mean_squared_error",
    "halfMeanSquaredError",
    options,
    (error) => mul(square(error), 0.5),
    options.sumOutputs ? (losses) => sum(losses, axes(losses.rank)) : meanPerSample,
  );
}
