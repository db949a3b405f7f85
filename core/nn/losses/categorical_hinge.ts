import { add } from "../../ops/add.ts";
import { max } from "../../ops/max.ts";
import { maximum } from "../../ops/maximum.ts";
import { mul } from "../../ops/mul.ts";
import { sub } from "../../ops/sub.ts";
import { sum } from "../../ops/sum.ts";
import type { Loss } from "../loss.ts";
import { type ErrorLossOptions, pairLoss } from "./error_loss.ts";

/**
 * Hinge loss of several classes: by how much the true class fails to beat the best other one by 1.
 *
 * max(max((1 − y) · ŷ) − Σ y · ŷ + 1, 0), over the last axis.
 *
 * @param options `oneHot` takes class labels `[batch]`.
 * @returns A loss of targets `[batch, classes]` of 0 and 1.
 *
 * @example
 * ```ts
 * import { categoricalHinge, tensor } from "@millrace/millrace";
 * import assert from "node:assert/strict";
 *
 * const targets = tensor([[0, 1, 0], [1, 0, 0]]);
 * const losses = categoricalHinge().apply(targets, tensor([[1, 3, 0], [2, 1.5, 0]]));
 * assert.deepEqual([...await losses.data()], [0, 0.5]);
 * ```
 *
 * Source: Keras's `CategoricalHinge`; the true class's own product, 0, takes part in the maximum, so
 * that other outputs below 0 count as 0. PyTorch's `MultiMarginLoss` adds up all classes.
 */
export function categoricalHinge(options: ErrorLossOptions = {}): Loss {
  return pairLoss("categorical_hinge", "categoricalHinge", options, (targets, outputs) => {
    const own = sum(mul(targets, outputs), -1);
    const other = max(mul(sub(1, targets), outputs), -1);
    return maximum(add(sub(other, own), 1), 0);
  });
}
