import { add } from "../../ops/add.ts";
import { log } from "../../ops/log.ts";
import { mul } from "../../ops/mul.ts";
import { sub } from "../../ops/sub.ts";
import type { Loss } from "../loss.ts";
import { type ErrorLossOptions, pairLoss } from "./error_loss.ts";
import { margin } from "./probabilities.ts";

/**
 * Negative log-likelihood of counts under Poisson distributions whose means are the outputs, but for
 * a constant.
 *
 * ŷ − y · log(ŷ + 1e-7), the mean over the outputs of a sample; it is least, not 0, where ŷ = y.
 *
 * @param options `oneHot` takes class labels `[batch]`.
 * @returns A loss of targets `[batch, outputs]`, counts from 0, and outputs above 0; with one output
 * `[batch]` will do.
 *
 * @example
 * ```ts
 * import { poisson, tensor } from "@millrace/millrace";
 * import assert from "node:assert/strict";
 *
 * const [loss] = await poisson().apply(tensor([3]), tensor([[2]])).data();
 * assert(Math.abs(loss - (2 - 3 * Math.LN2)) < 1e-6);
 * ```
 *
 * Source: Keras's `Poisson`. PyTorch: `PoissonNLLLoss(log_input=False)`, whose epsilon is 1e-8.
 */
export function poisson(options: ErrorLossOptions = {}): Loss {
  return pairLoss(
    "poisson",
    "poisson",
    options,
    (targets, outputs) => sub(outputs, mul(targets, log(add(outputs, margin)))),
  );
}
