import { add } from "../../ops/add.ts";
import { div } from "../../ops/div.ts";
import { mul } from "../../ops/mul.ts";
import { sub } from "../../ops/sub.ts";
import type { Loss } from "../loss.ts";
import { overlapLoss, type OverlapOptions } from "./overlap.ts";
import { margin } from "./probabilities.ts";

/**
 * Dice loss, for the segmentation of images: 1 less twice the overlap of two areas by their sum.
 *
 * 1 − 2 · Σ y · ŷ / (Σ y + Σ ŷ + 1e-7), the sums over `axes`.
 *
 * @param options `axes` of the sums; default all, the batch too.
 * @returns A loss of targets of the outputs' shape, 0 to 1.
 *
 * @example
 * ```ts
 * import { dice, tensor } from "@millrace/millrace";
 * import assert from "node:assert/strict";
 *
 * const losses = await dice({ axes: 1 }).apply(tensor([[1, 1, 0]]), tensor([[1, 0, 0]])).data();
 * assert(Math.abs(losses[0] - 1 / 3) < 1e-6); // 1 − 2 / (2 + 1)
 * ```
 *
 * Source: Keras's `Dice(axis)`. PyTorch has none.
 */
export function dice(options: OverlapOptions = {}): Loss {
  return overlapLoss("dice", "dice", options, (targets, outputs, area) => {
    const common = area(mul(targets, outputs));
    return sub(1, div(mul(common, 2), add(add(area(targets), area(outputs)), margin)));
  });
}
