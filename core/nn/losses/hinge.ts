import type { Tensor } from "../../graph/tensor.ts";
import { add } from "../../ops/add.ts";
import { cast } from "../../ops/cast.ts";
import { equal } from "../../ops/equal.ts";
import { logicalOr } from "../../ops/logical.ts";
import { min } from "../../ops/max.ts";
import { maximum } from "../../ops/maximum.ts";
import { mul } from "../../ops/mul.ts";
import { sub } from "../../ops/sub.ts";
import type { Loss } from "../loss.ts";
import { type ErrorLossOptions, pairLoss } from "./error_loss.ts";

/**
 * Hinge loss, of support vector machines: nothing for answers on the right side with a margin of 1.
 *
 * max(1 − y · ŷ, 0), the mean over the outputs of a sample. Targets are −1 and 1; a batch of nothing
 * but 0 and 1 is taken as −1 and 1.
 *
 * @param options `oneHot` takes class labels `[batch]`.
 * @returns A loss of targets `[batch, outputs]`; with one output `[batch]` will do.
 *
 * @example
 * ```ts
 * import { hinge, tensor } from "@millrace/millrace";
 * import assert from "node:assert/strict";
 *
 * const losses = hinge().apply(tensor([0, 1, 1]), tensor([-2, 0.5, -1]));
 * assert.deepEqual([...await losses.data()], [0, 0.5, 2]);
 * ```
 *
 * Source: Keras's `Hinge`. PyTorch's `HingeEmbeddingLoss` is another.
 */
export function hinge(options: ErrorLossOptions = {}): Loss {
  return pairLoss("hinge", "hinge", options, missingMargin);
}

/** What an answer lacks of a margin of 1 on its target's side, at least 0. */
export function missingMargin(targets: Tensor, outputs: Tensor): Tensor {
  return maximum(sub(1, mul(signs(targets), outputs)), 0);
}

/** Targets of −1 and 1 as they are; where all are 0 or 1, 2y − 1. */
function signs(targets: Tensor): Tensor {
  const bits = cast(min(cast(logicalOr(equal(targets, 0), equal(targets, 1)), "i32")), "f32");
  return add(targets, mul(bits, sub(targets, 1)));
}
