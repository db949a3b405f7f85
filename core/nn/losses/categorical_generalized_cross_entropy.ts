import { div } from "../../ops/div.ts";
import { maximum } from "../../ops/maximum.ts";
import { mul } from "../../ops/mul.ts";
import { oneHot } from "../../ops/one_hot.ts";
import { pow } from "../../ops/pow.ts";
import { sub } from "../../ops/sub.ts";
import { sum } from "../../ops/sum.ts";
import { checkScalar } from "../check_scalar.ts";
import type { Loss } from "../loss.ts";
import { alignLabels, meanPerSample, oneIdOfOutputs } from "./targets.ts";

/** Small enough to change no loss, and its root has a finite slope. */
const smallest = 1e-30;

/** Options of {@link categoricalGeneralizedCrossEntropy}. */
export interface GeneralizedCrossEntropyOptions {
  /** Between cross-entropy, towards 0, and the mean absolute error, 1; above 0; default 0.5. */
  readonly q?: number;
}

/**
 * Cross-entropy that bears wrong labels: (1 − pᵠ) / q, with p the probability of the labelled class.
 *
 * @param options `q`.
 * @returns A loss of labels `[batch]` or `[batch, 1]` and probabilities `[batch, classes]`.
 * @throws {RangeError} when `q` is not above 0 and at most 1.
 *
 * @example
 * ```ts
 * import { categoricalGeneralizedCrossEntropy, tensor } from "@millrace/millrace";
 * import assert from "node:assert/strict";
 *
 * const loss = categoricalGeneralizedCrossEntropy();
 * const [value] = await loss.apply(tensor([1]), tensor([[0.75, 0.25]])).data();
 * assert.equal(value, 1); // (1 − √0.25) / 0.5
 * ```
 *
 * Source: Z. Zhang, M. Sabuncu, "Generalized cross entropy loss", 2018; Keras's
 * `CategoricalGeneralizedCrossEntropy`. PyTorch has none.
 */
export function categoricalGeneralizedCrossEntropy(
  options: GeneralizedCrossEntropyOptions = {},
): Loss {
  const { q = 0.5 } = options;
  const name = "categoricalGeneralizedCrossEntropy";
  checkScalar(`the q of ${name}`, q, { minimum: Number.MIN_VALUE, maximum: 1 });
  return {
    name: "categorical_generalized_cross_entropy",
    classIds: oneIdOfOutputs,
    apply(targets, outputs) {
      const labels = alignLabels(name, targets, outputs, "it takes class labels, not rows");
      const classes = outputs.shape[outputs.rank - 1];
      const probabilities = sum(mul(outputs, oneHot(labels, classes)), -1);
      // A softmax gives 0 where it is far from right, and there the slope of a root has no end.
      return meanPerSample(div(sub(1, pow(maximum(probabilities, smallest), q)), q));
    },
  };
}
