import type { Tensor } from "../../graph/tensor.ts";
import { add } from "../../ops/add.ts";
import { cast } from "../../ops/cast.ts";
import { expandDims } from "../../ops/expand_dims.ts";
import { logSumExp } from "../../ops/log_sum_exp.ts";
import { mul } from "../../ops/mul.ts";
import { neg } from "../../ops/neg.ts";
import { notEqual } from "../../ops/not_equal.ts";
import { oneHot } from "../../ops/one_hot.ts";
import { select } from "../../ops/select.ts";
import { sparseSoftmaxCrossEntropy } from "../../ops/softmax_cross_entropy.ts";
import { sub } from "../../ops/sub.ts";
import { mean, sum } from "../../ops/sum.ts";
import { checkScalar } from "../check_scalar.ts";
import type { Loss } from "../loss.ts";
import { meanOverCounted } from "./masked.ts";
import { checkSmoothing, type CrossentropyOptions, logProbabilities } from "./probabilities.ts";
import { alignLabels, meanPerSample, oneIdOfOutputs } from "./targets.ts";

/** Options of {@link sparseCategoricalCrossentropy}. */
export interface SparseCategoricalCrossentropyOptions extends CrossentropyOptions {
  /** A label that stands for no class, as −1 or 255 for what nobody labelled; default: none. */
  readonly ignoreClass?: number;
}

/**
 * Cross-entropy of the true class, given by its number, in nats.
 *
 * −log p[label]; from logits s, −log softmax(s)[label], whose gradient is p with 1 taken off at the
 * label.
 *
 * @param options `fromLogits`: outputs come before the softmax. `labelSmoothing`: this part of each
 * target is spread over all classes, as in {@link categoricalCrossentropy}. `ignoreClass`: samples with this label
 * count for nothing, like those that a mask leaves out, and the loss of a batch or of an epoch is the
 * mean over the others. `apply` multiplies theirs by total / counted, so that the mean over all of
 * what it gives is the same.
 * @returns A loss of labels `[batch]` or `[batch, 1]`, whole numbers from 0 to classes − 1 as u32,
 * i32 or f32, and outputs `[batch, classes]`. Probabilities are divided by their sum and kept 1e-7
 * away from 0 and 1.
 * @throws {RangeError} when `ignoreClass` is not a whole number, or `labelSmoothing` not from 0 to 1.
 * @throws {DataError} on the error channel of training, when a data set has another label.
 *
 * @example
 * ```ts
 * import { sparseCategoricalCrossentropy, tensor } from "@millrace/millrace";
 * import assert from "node:assert/strict";
 *
 * const loss = sparseCategoricalCrossentropy();
 * const losses = await loss.apply(tensor([1, 0]), tensor([[0.4, 0.6], [0.3, 0.7]])).data();
 * assert(Math.abs(losses[0] - 0.5108) < 1e-4); // −ln 0.6
 * assert(Math.abs(losses[1] - 1.2040) < 1e-4); // −ln 0.3
 * ```
 *
 * Keras: `SparseCategoricalCrossentropy`, which has no `label_smoothing`. PyTorch: `CrossEntropyLoss` with class indices.
 */
export function sparseCategoricalCrossentropy(
  options: SparseCategoricalCrossentropyOptions = {},
): Loss {
  const { fromLogits = false, labelSmoothing = 0, ignoreClass } = options;
  checkIgnored(ignoreClass);
  checkSmoothing("sparseCategoricalCrossentropy", labelSmoothing);
  const hint = "for one-hot targets use categoricalCrossentropy";
  const ofLabel = (labels: Tensor, outputs: Tensor) =>
    fromLogits
      ? sparseSoftmaxCrossEntropy(outputs, labels)
      : neg(sum(mul(oneHot(labels, classesOf(outputs)), logProbabilities(outputs)), -1));
  const surprise = (labels: Tensor, outputs: Tensor) => {
    if (labelSmoothing === 0) return ofLabel(labels, outputs);
    const ofAll = fromLogits
      ? sub(logSumExp(outputs, -1), mean(outputs, -1))
      : neg(mean(logProbabilities(outputs), -1));
    return add(
      mul(ofLabel(labels, outputs), 1 - labelSmoothing),
      mul(ofAll, labelSmoothing),
    );
  };
  return {
    name: "sparse_categorical_crossentropy",
    takesLogits: () => fromLogits,
    classIds: { ...oneIdOfOutputs, ignored: ignoreClass },
    apply(targets, outputs) {
      const labels = alignLabels("sparseCategoricalCrossentropy", targets, outputs, hint);
      if (ignoreClass === undefined) return meanPerSample(surprise(labels, outputs));
      const signed = cast(labels, "i32");
      const counts = notEqual(signed, ignoreClass);
      // Outputs too, so that one that is not finite does no harm where it is ignored.
      const losses = surprise(
        select(counts, signed, 0),
        select(expandDims(counts, -1), outputs, 0),
      );
      return meanPerSample(meanOverCounted(losses, counts));
    },
  };
}

function classesOf(outputs: Tensor): number {
  return outputs.shape[outputs.rank - 1];
}

function checkIgnored(ignoreClass: number | undefined): void {
  if (ignoreClass === undefined) return;
  const name = "the ignoreClass of sparseCategoricalCrossentropy";
  checkScalar(name, ignoreClass, { minimum: -(2 ** 31), maximum: 2 ** 31 - 1 });
  if (Number.isInteger(ignoreClass)) return;
  throw new RangeError(`Cannot use ${name} as it must be a whole number: received ${ignoreClass}`);
}
