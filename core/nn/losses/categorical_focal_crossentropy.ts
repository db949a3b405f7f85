import { tensor } from "../../ops/eager.ts";
import { exp } from "../../ops/exp.ts";
import { maximum } from "../../ops/maximum.ts";
import { mul } from "../../ops/mul.ts";
import { neg } from "../../ops/neg.ts";
import { pow } from "../../ops/pow.ts";
import { logSoftmax } from "../../ops/softmax.ts";
import { sub } from "../../ops/sub.ts";
import { sum } from "../../ops/sum.ts";
import { checkScalar } from "../check_scalar.ts";
import type { Loss } from "../loss.ts";
import {
  checkSmoothing,
  type CrossentropyOptions,
  logProbabilities,
  margin,
  smoothTargets,
} from "./probabilities.ts";
import { alignTargets, checkClasses, meanPerSample } from "./targets.ts";

/** Options of {@link categoricalFocalCrossentropy}. */
export interface CategoricalFocalCrossentropyOptions extends CrossentropyOptions {
  /** Weight of every class, or one a class, at least 0; default 0.25. */
  readonly alpha?: number | readonly number[];
  /** How much less easy answers count, at least 0; default 2. With 0 all count the same. */
  readonly gamma?: number;
}

/**
 * Cross-entropy over classes in which answers that are right already count for less, in nats.
 *
 * −Σ alpha · (1 − p)^gamma · t · log p over the classes.
 *
 * @param options `alpha`, `gamma`; `fromLogits`; `labelSmoothing`.
 * @returns A loss of targets `[batch, classes]`, one-hot or soft. Probabilities are divided by their
 * sum and kept 1e-7 away from 0 and 1.
 * @throws {RangeError} when an option is out of its range.
 *
 * @example
 * ```ts
 * import { categoricalFocalCrossentropy, tensor } from "@millrace/millrace";
 * import assert from "node:assert/strict";
 *
 * const loss = categoricalFocalCrossentropy();
 * const [value] = await loss.apply(tensor([[0, 1]]), tensor([[0.5, 0.5]])).data();
 * assert(Math.abs(value - 0.25 * 0.25 * Math.LN2) < 1e-6);
 * ```
 *
 * Source: T.-Y. Lin and others, "Focal loss for dense object detection", 2017; Keras's
 * `CategoricalFocalCrossentropy`. From logits ours stays exact where Keras clips. PyTorch has none.
 */
export function categoricalFocalCrossentropy(
  options: CategoricalFocalCrossentropyOptions = {},
): Loss {
  const { fromLogits = false, labelSmoothing = 0, gamma = 2, alpha = 0.25 } = options;
  checkSmoothing("categoricalFocalCrossentropy", labelSmoothing);
  checkScalar("the gamma of categoricalFocalCrossentropy", gamma, { minimum: 0 });
  for (const weight of [alpha].flat()) {
    checkScalar("the alpha of categoricalFocalCrossentropy", weight, { minimum: 0 });
  }
  const weights = typeof alpha === "number" ? alpha : tensor(alpha);
  const hints = { labels: "make rows of class labels with toCategorical" };
  return {
    name: "categorical_focal_crossentropy",
    takesLogits: () => fromLogits,
    apply(targets, outputs) {
      checkClasses("categoricalFocalCrossentropy", outputs);
      const aligned = alignTargets("categoricalFocalCrossentropy", targets, outputs, hints);
      const wanted = smoothTargets(aligned, labelSmoothing, outputs.shape[outputs.rank - 1]);
      const logs = fromLogits ? logSoftmax(outputs) : logProbabilities(outputs);
      // Not below the margin, where a power below 1 has no end to its slope; Keras clips as well.
      const easing = mul(pow(maximum(sub(1, exp(logs)), margin), gamma), weights);
      return meanPerSample(neg(sum(mul(easing, mul(wanted, logs)), -1)));
    },
  };
}
