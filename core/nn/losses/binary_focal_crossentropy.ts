import type { Tensor } from "../../graph/tensor.ts";
import { add } from "../../ops/add.ts";
import { maximum } from "../../ops/maximum.ts";
import { mul } from "../../ops/mul.ts";
import { pow } from "../../ops/pow.ts";
import { sigmoid } from "../../ops/sigmoid.ts";
import { sub } from "../../ops/sub.ts";
import { checkScalar } from "../check_scalar.ts";
import type { Loss } from "../loss.ts";
import {
  checkSmoothing,
  type CrossentropyOptions,
  margin,
  smoothTargets,
  surpriseOfLogits,
  surpriseOfProbabilities,
} from "./probabilities.ts";
import { alignTargets, meanPerSample } from "./targets.ts";

/** Options of {@link binaryFocalCrossentropy}. */
export interface BinaryFocalCrossentropyOptions extends CrossentropyOptions {
  /** How much less easy answers count, at least 0; default 2. With 0 all count the same. */
  readonly gamma?: number;
  /** Whether yes is weighted by `alpha` and no by 1 − `alpha`; default false. */
  readonly applyClassBalancing?: boolean;
  /** Weight of yes, 0 to 1; default 0.25. */
  readonly alpha?: number;
}

/**
 * Binary cross-entropy in which answers that are right already count for less, in nats.
 *
 * (1 − q)^gamma · cross-entropy, with q = y · p + (1 − y) · (1 − p) the probability of the right
 * answer; the mean over the outputs of a sample.
 *
 * @param options `gamma`; `applyClassBalancing` and `alpha`; `fromLogits`; `labelSmoothing`.
 * @returns A loss of targets `[batch, outputs]` of 0 and 1; with one output `[batch]` will do.
 * Probabilities are kept 1e-7 away from 0 and 1.
 * @throws {RangeError} when an option is out of its range.
 *
 * @example
 * ```ts
 * import { binaryFocalCrossentropy, tensor } from "@millrace/millrace";
 * import assert from "node:assert/strict";
 *
 * const [loss] = await binaryFocalCrossentropy().apply(tensor([1]), tensor([[0.5]])).data();
 * assert(Math.abs(loss - 0.25 * Math.LN2) < 1e-6);
 * ```
 *
 * Source: T.-Y. Lin and others, "Focal loss for dense object detection", 2017; Keras's
 * `BinaryFocalCrossentropy`. From logits ours stays exact where Keras clips. PyTorch has none
 * (torchvision: `sigmoid_focal_loss`).
 */
export function binaryFocalCrossentropy(options: BinaryFocalCrossentropyOptions = {}): Loss {
  const { fromLogits = false, labelSmoothing = 0 } = options;
  const { gamma = 2, applyClassBalancing = false, alpha = 0.25 } = options;
  checkSmoothing("binaryFocalCrossentropy", labelSmoothing);
  checkScalar("the gamma of binaryFocalCrossentropy", gamma, { minimum: 0 });
  checkScalar("the alpha of binaryFocalCrossentropy", alpha, { minimum: 0, maximum: 1 });
  const hints = { labels: "for class labels use categoricalFocalCrossentropy" };
  // Of yes and of no, by the target.
  const blend = (targets: Tensor, yes: Tensor | number, no: Tensor | number) =>
    add(mul(targets, yes), mul(sub(1, targets), no));
  return {
    name: "binary_focal_crossentropy",
    takesLogits: () => fromLogits,
    apply(targets, outputs) {
      const aligned = alignTargets("binaryFocalCrossentropy", targets, outputs, hints);
      const wanted = smoothTargets(aligned, labelSmoothing, 2);
      const { ofYes, ofNo } = fromLogits
        ? surpriseOfLogits(outputs)
        : surpriseOfProbabilities(outputs);
      const probabilities = fromLogits ? sigmoid(outputs) : outputs;
      const right = blend(wanted, probabilities, sub(1, probabilities));
      // Not below the margin, where a power below 1 has no end to its slope.
      const easing = pow(maximum(sub(1, right), margin), gamma);
      const focal = mul(easing, blend(wanted, ofYes, ofNo));
      return meanPerSample(
        applyClassBalancing ? mul(blend(wanted, alpha, 1 - alpha), focal) : focal,
      );
    },
  };
}
