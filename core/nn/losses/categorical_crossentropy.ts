import { mul } from "../../ops/mul.ts";
import { neg } from "../../ops/neg.ts";
import { softmaxCrossEntropy } from "../../ops/softmax_cross_entropy.ts";
import { sum } from "../../ops/sum.ts";
import type { Loss } from "../loss.ts";
import {
  checkSmoothing,
  type CrossentropyOptions,
  logProbabilities,
  smoothTargets,
} from "./probabilities.ts";
import { alignTargets, checkClasses, meanPerSample } from "./targets.ts";

/**
 * Cross-entropy between target and output distributions over classes, in nats.
 *
 * −Σ t · log p over the classes; from logits s, −Σ t · log softmax(s), whose gradient is p − t.
 *
 * @param options `fromLogits`: outputs come before the softmax. `labelSmoothing`: this part of the
 * targets is spread over all classes.
 * @returns A loss of targets `[batch, classes]`, one-hot or soft. Probabilities are divided by their
 * sum and kept 1e-7 away from 0 and 1.
 * @throws {RangeError} when `labelSmoothing` is not from 0 to 1.
 *
 * @example
 * ```ts
 * import { categoricalCrossentropy, tensor } from "@millrace/millrace";
 * import assert from "node:assert/strict";
 *
 * const losses = categoricalCrossentropy().apply(tensor([[0, 1, 0]]), tensor([[0.2, 0.6, 0.2]]));
 * const [loss] = await losses.data();
 * assert(Math.abs(loss - 0.5108) < 1e-4); // −ln 0.6
 * ```
 *
 * Keras: `CategoricalCrossentropy`. PyTorch: `CrossEntropyLoss`, from logits.
 */
export function categoricalCrossentropy(options: CrossentropyOptions = {}): Loss {
  const { fromLogits = false, labelSmoothing = 0 } = options;
  checkSmoothing("categoricalCrossentropy", labelSmoothing);
  const hints = { labels: "for class labels use sparseCategoricalCrossentropy" };
  return {
    name: "categorical_crossentropy",
    takesLogits: () => fromLogits,
    apply(targets, outputs) {
      checkClasses("categoricalCrossentropy", outputs);
      const aligned = alignTargets("categoricalCrossentropy", targets, outputs, hints);
      const wanted = smoothTargets(aligned, labelSmoothing, outputs.shape[outputs.rank - 1]);
      const losses = fromLogits
        ? softmaxCrossEntropy(outputs, wanted)
        : neg(sum(mul(wanted, logProbabilities(outputs)), -1));
      return meanPerSample(losses);
    },
  };
}
