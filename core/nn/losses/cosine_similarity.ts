import { mul } from "../../ops/mul.ts";
import { neg } from "../../ops/neg.ts";
import { sum } from "../../ops/sum.ts";
import type { Loss } from "../loss.ts";
import { unitLength } from "../unit_length.ts";
import { type ErrorLossOptions, pairLoss } from "./error_loss.ts";

/**
 * Minus the cosine of the angle between outputs and targets: −1 for the same direction, 1 for the
 * opposite one, 0 at a right angle.
 *
 * −Σ y · ŷ / (‖y‖ · ‖ŷ‖) over the last axis, lengths at least 1e-7; then the mean over the others.
 *
 * @param options `oneHot` takes class labels `[batch]`.
 * @returns A loss of targets `[batch, outputs]`, from −1 to 1.
 *
 * @example
 * ```ts
 * import { cosineSimilarity, tensor } from "@millrace/millrace";
 * import assert from "node:assert/strict";
 *
 * const losses = cosineSimilarity().apply(tensor([[0, 2], [1, 0]]), tensor([[0, 5], [-7, 0]]));
 * assert.deepEqual([...await losses.data()], [-1, 1]);
 * ```
 *
 * Source: Keras's `CosineSimilarity`, negative so that less is better; the metric
 * `cosineSimilarityMetric` is positive. PyTorch: `CosineEmbeddingLoss` is 1 − cosine.
 */
export function cosineSimilarity(options: ErrorLossOptions = {}): Loss {
  return pairLoss(
    "cosine_similarity",
    "cosineSimilarity",
    options,
    (targets, outputs) => neg(sum(mul(unitLength(targets, -1), unitLength(outputs, -1)), -1)),
  );
}
