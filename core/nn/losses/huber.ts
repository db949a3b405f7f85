import { abs } from "../../ops/abs.ts";
import { minimum } from "../../ops/minimum.ts";
import { mul } from "../../ops/mul.ts";
import { sub } from "../../ops/sub.ts";
import { checkScalar } from "../check_scalar.ts";
import type { Loss } from "../loss.ts";
import { errorLoss, type ErrorLossOptions } from "./error_loss.ts";

/** Options of {@link huber}. */
export interface HuberOptions extends ErrorLossOptions {
  /** Size of error from which the loss grows in a line, above 0; default 1. */
  readonly delta?: number;
}

/**
 * Huber's loss: squared for small errors, in a line for large ones, so that outliers pull less.
 *
 * e²/2 where |e| ≤ delta, else delta · (|e| − delta/2), with e = ŷ − y; the mean over the outputs of a
 * sample.
 *
 * @param options `delta`; `oneHot` takes class labels `[batch]`.
 * @returns A loss of targets `[batch, outputs]`; with one output `[batch]` will do.
 * @throws {RangeError} when `delta` is not above 0.
 *
 * @example
 * ```ts
 * import { huber, tensor } from "@millrace/millrace";
 * import assert from "node:assert/strict";
 *
 * const losses = huber({ delta: 2 }).apply(tensor([0, 0]), tensor([1, -5]));
 * assert.deepEqual([...await losses.data()], [0.5, 8]);
 * ```
 *
 * Source: P. Huber, 1964. Keras: `Huber`. PyTorch: `HuberLoss`.
 */
export function huber(options: HuberOptions = {}): Loss {
  const { delta = 1 } = options;
  checkScalar("the delta of huber", delta, { minimum: Number.MIN_VALUE });
  return errorLoss("huber_loss", "huber", options, (error) => {
    const size = abs(error);
    const bounded = minimum(size, delta);
    return mul(bounded, sub(size, mul(bounded, 0.5)));
  });
}
