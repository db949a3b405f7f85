import { add } from "../../ops/add.ts";
import { mul } from "../../ops/mul.ts";
import { softplus } from "../../ops/softplus.ts";
import { sub } from "../../ops/sub.ts";
import type { Loss } from "../loss.ts";
import { errorLoss, type ErrorLossOptions } from "./error_loss.ts";

/**
 * Logarithm of the hyperbolic cosine of the error: e²/2 for small errors, |e| − log 2 for large ones.
 *
 * log cosh e = e + softplus(−2e) − log 2 with e = ŷ − y, which does not overflow; the mean over the
 * outputs of a sample. Its derivative is tanh e.
 *
 * @param options `oneHot` takes class labels `[batch]`.
 * @returns A loss of targets `[batch, outputs]`; with one output `[batch]` will do.
 *
 * @example
 * ```ts
 * import { logCosh, tensor } from "@millrace/millrace";
 * import assert from "node:assert/strict";
 *
 * const losses = await logCosh().apply(tensor([0, 0]), tensor([1, 200])).data();
 * assert(Math.abs(losses[0] - Math.log(Math.cosh(1))) < 1e-6);
 * assert(Math.abs(losses[1] - (200 - Math.LN2)) < 1e-4);
 * ```
 *
 * Source: Keras's `LogCosh`. PyTorch has none.
 */
export function logCosh(options: ErrorLossOptions = {}): Loss {
  return errorLoss(
    "log_cosh",
    "logCosh",
    options,
    (error) => sub(add(error, softplus(mul(error, -2))), Math.LN2),
  );
}
