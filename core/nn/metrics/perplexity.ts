import {
  sparseCategoricalCrossentropy,
  type SparseCategoricalCrossentropyOptions,
} from "../losses/sparse_categorical_crossentropy.ts";
import type { Metric } from "../metric.ts";
import { averageMetric } from "./average_metric.ts";

/** Options of {@link perplexity}. */
export type PerplexityOptions = Pick<
  SparseCategoricalCrossentropyOptions,
  "fromLogits" | "ignoreClass"
>;

/**
 * Among how many tokens, equally likely, the true one would be as hard to guess: e to the mean
 * cross-entropy of an epoch's tokens.
 *
 * Padding that a mask leaves out, and labels that are ignored, count for nothing.
 *
 * @param options `fromLogits`, `ignoreClass`, as of {@link sparseCategoricalCrossentropy}.
 * @returns A metric of labels `[batch]`, `[batch, 1]` or `[batch, steps]`, from 1; smaller is better.
 * @throws {ShapeError} on use, when targets and outputs do not fit.
 *
 * @example
 * ```ts
 * import { metricValue, perplexity, tensor } from "@millrace/millrace";
 * import assert from "node:assert/strict";
 *
 * const outputs = tensor([[0.25, 0.75], [0.25, 0.75]]);
 * const value = await metricValue(perplexity(), tensor([0, 1]), outputs);
 * assert(Math.abs(Number(value) - 1 / Math.sqrt(0.25 * 0.75)) < 1e-5);
 * ```
 *
 * Source: KerasHub's `Perplexity`, whose `mask_token_id` is our `ignoreClass`.
 */
export function perplexity(options: PerplexityOptions = {}): Metric {
  const loss = sparseCategoricalCrossentropy(options);
  return {
    ...averageMetric("perplexity", "min", loss.apply, loss),
    result: ([total], [count]) => Math.exp(total / count),
  };
}
