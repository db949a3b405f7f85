import { mul } from "../../ops/mul.ts";
import { neg } from "../../ops/neg.ts";
import { oneHot } from "../../ops/one_hot.ts";
import { sparseSoftmaxCrossEntropy } from "../../ops/softmax_cross_entropy.ts";
import { sum } from "../../ops/sum.ts";
import type { Loss } from "../loss.ts";
import { type CrossentropyOptions, logProbabilities } from "./probabilities.ts";
import { alignLabels, meanPerSample } from "./targets.ts";

/**
 * Cross-entropy of the true class, given by its number, in nats.
 *
 * −log p[label]; from logits s, −log softmax(s)[label], whose gradient is p with 1 taken off at the
 * label.
 *
 * @param options `fromLogits`: outputs come before the softmax.
 * @returns A loss of labels `[batch]` or `[batch, 1]`, whole numbers from 0 to classes − 1 as u32,
 * i32 or f32, and outputs `[batch, classes]`. Probabilities are divided by their sum and kept 1e-7
 * away from 0 and 1.
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
 * Keras: `SparseCategoricalCrossentropy`. PyTorch: `CrossEntropyLoss` with class indices.
 */
export function sparseCategoricalCrossentropy(
  options: Pick<CrossentropyOptions, "fromLogits"> = {},
): Loss {
  const { fromLogits = false } = options;
  const hint = "for one-hot targets use categoricalCrossentropy";
  return {
    name: "sparse_categorical_crossentropy",
    apply(targets, outputs) {
      const labels = alignLabels("sparseCategoricalCrossentropy", targets, outputs, hint);
      const classes = outputs.shape[outputs.rank - 1];
      const losses = fromLogits
        ? sparseSoftmaxCrossEntropy(outputs, labels)
        : neg(sum(mul(oneHot(labels, classes), logProbabilities(outputs)), -1));
      return meanPerSample(losses);
    },
  };
}
