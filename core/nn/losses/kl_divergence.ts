import { div } from "../../ops/div.ts";
import { log } from "../../ops/log.ts";
import { clip } from "../../ops/clip.ts";
import { mul } from "../../ops/mul.ts";
import { sum } from "../../ops/sum.ts";
import type { Loss } from "../loss.ts";
import { type ErrorLossOptions, pairLoss } from "./error_loss.ts";
import { margin } from "./probabilities.ts";

/**
 * Kullback–Leibler divergence of the outputs from the targets, in nats: 0 when they agree.
 *
 * Σ y · log(y / ŷ) over the last axis, both kept between 1e-7 and 1; then the mean over the others.
 *
 * @param options `oneHot` takes class labels `[batch]`.
 * @returns A loss of targets `[batch, classes]`, probabilities.
 *
 * @example
 * ```ts
 * import { klDivergence, tensor } from "@millrace/millrace";
 * import assert from "node:assert/strict";
 *
 * const [loss] = await klDivergence().apply(tensor([[0, 1]]), tensor([[0.5, 0.5]])).data();
 * assert(Math.abs(loss - Math.LN2) < 1e-5);
 * ```
 *
 * Source: Keras's `KLDivergence`. PyTorch's `KLDivLoss` takes logarithms of probabilities and does not
 * clip.
 */
export function klDivergence(options: ErrorLossOptions = {}): Loss {
  return pairLoss("kl_divergence", "klDivergence", options, (targets, outputs) => {
    const [wanted, given] = [clip(targets, margin, 1), clip(outputs, margin, 1)];
    return sum(mul(wanted, log(div(wanted, given))), -1);
  });
}
