import { add } from "../../ops/add.ts";
import { div } from "../../ops/div.ts";
import { mul } from "../../ops/mul.ts";
import { sub } from "../../ops/sub.ts";
import { checkScalar } from "../check_scalar.ts";
import type { Loss } from "../loss.ts";
import { overlapLoss, type OverlapOptions } from "./overlap.ts";
import { margin } from "./probabilities.ts";

/** Options of {@link tversky}. */
export interface TverskyOptions extends OverlapOptions {
  /** Weight of what the outputs miss, at least 0; default 0.5. */
  readonly alpha?: number;
  /** Weight of what the outputs have too much, at least 0; default 0.5. */
  readonly beta?: number;
}

/**
 * Tversky loss, for the segmentation of images where a miss and a false alarm weigh differently.
 *
 * 1 − c / (c + alpha · Σ y · (1 − ŷ) + beta · Σ (1 − y) · ŷ + 1e-7) with c = Σ y · ŷ, the sums over
 * `axes`. With both at ½ it is {@link dice}.
 *
 * @param options `alpha`, `beta`; `axes` of the sums, default all, the batch too.
 * @returns A loss of targets of the outputs' shape, 0 to 1.
 * @throws {RangeError} when a weight is negative.
 *
 * @example
 * ```ts
 * import { tensor, tversky } from "@millrace/millrace";
 * import assert from "node:assert/strict";
 *
 * const loss = tversky({ alpha: 1, beta: 0, axes: 1 });
 * const losses = await loss.apply(tensor([[1, 1, 0]]), tensor([[1, 0, 1]])).data();
 * assert(Math.abs(losses[0] - 0.5) < 1e-6); // 1 − 1 / (1 + 1)
 * ```
 *
 * Source: S. Salehi and others, "Tversky loss function for image segmentation", 2017; Keras's
 * `Tversky`, whose docs call what alpha weighs false positives: what counts is the formula here.
 * PyTorch has none.
 */
export function tversky(options: TverskyOptions = {}): Loss {
  const { alpha = 0.5, beta = 0.5 } = options;
  checkScalar("the alpha of tversky", alpha, { minimum: 0 });
  checkScalar("the beta of tversky", beta, { minimum: 0 });
  return overlapLoss("tversky", "tversky", options, (targets, outputs, area) => {
    const common = area(mul(targets, outputs));
    const missed = mul(area(mul(targets, sub(1, outputs))), alpha);
    const tooMuch = mul(area(mul(sub(1, targets), outputs)), beta);
    return sub(1, div(common, add(add(add(common, missed), tooMuch), margin)));
  });
}
