import { add } from "../../ops/add.ts";
import { mul } from "../../ops/mul.ts";
import { sub } from "../../ops/sub.ts";
import type { Loss } from "../loss.ts";
import {
  checkSmoothing,
  type CrossentropyOptions,
  smoothTargets,
  surpriseOfLogits,
  surpriseOfProbabilities,
} from "./probabilities.ts";
import { alignTargets, meanPerSample } from "./targets.ts";

/**
 * Binary cross-entropy, or log loss: the surprise at answers to yes-or-no questions, in nats.
 *
 * −y · log p − (1 − y) · log(1 − p), the mean over the outputs of a sample. From logits x it is
 * y · softplus(−x) + (1 − y) · softplus(x), which stays exact where p would round to 0 or 1.
 *
 * @param options `fromLogits`: outputs come before the sigmoid. `labelSmoothing`: targets are moved
 * towards ½ by this part.
 * @returns A loss of targets `[batch, outputs]` of 0 and 1 (or between); with one output `[batch]`
 * will do. Probabilities are kept 1e-7 away from 0 and 1.
 * @throws {RangeError} when `labelSmoothing` is not from 0 to 1.
 *
 * @example
 * ```ts
 * import { binaryCrossentropy, tensor } from "@millrace/millrace";
 * import assert from "node:assert/strict";
 *
 * const [loss] = await binaryCrossentropy().apply(tensor([1]), tensor([[0.5]])).data();
 * assert(Math.abs(loss - Math.LN2) < 1e-6);
 * ```
 *
 * Keras: `BinaryCrossentropy`. PyTorch: `BCELoss` and `BCEWithLogitsLoss`.
 */
export function binaryCrossentropy(options: CrossentropyOptions = {}): Loss {
  const { fromLogits = false, labelSmoothing = 0 } = options;
  checkSmoothing("binaryCrossentropy", labelSmoothing);
  const hints = { labels: "for class labels use sparseCategoricalCrossentropy" };
  const surprise = fromLogits ? surpriseOfLogits : surpriseOfProbabilities;
  return {
    name: "binary_crossentropy",
    takesLogits: () => fromLogits,
    apply(targets, outputs) {
      const aligned = alignTargets("binaryCrossentropy", targets, outputs, hints);
      const wanted = smoothTargets(aligned, labelSmoothing, 2);
      const { ofYes, ofNo } = surprise(outputs);
      return meanPerSample(add(mul(wanted, ofYes), mul(sub(1, wanted), ofNo)));
    },
  };
}
