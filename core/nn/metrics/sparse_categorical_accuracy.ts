import type { Tensor } from "../../graph/tensor.ts";
import { argMax } from "../../ops/arg_max.ts";
import { cast } from "../../ops/cast.ts";
import { equal } from "../../ops/equal.ts";
import { mul } from "../../ops/mul.ts";
import { notEqual } from "../../ops/not_equal.ts";
import { reshape } from "../../ops/reshape.ts";
import { sum } from "../../ops/sum.ts";
import { alignLabels, oneIdOfOutputs } from "../losses/targets.ts";
import type { Metric } from "../metric.ts";
import { averageMetric } from "./average_metric.ts";

/** Options of {@link sparseCategoricalAccuracy}. */
export interface SparseCategoricalAccuracyOptions {
  /** A label that stands for no class, as −1 for what nobody labelled; default: none. */
  readonly ignoreClass?: number;
}

/**
 * The part of samples whose largest output is at the class that the label names.
 *
 * @param options `ignoreClass`: what has this label counts for nothing, as in
 * {@link sparseCategoricalCrossentropy}.
 * @returns A metric of labels `[batch]` or `[batch, 1]` and outputs `[batch, classes]`. Of equal
 * outputs the first counts.
 * @throws {RangeError} when `ignoreClass` is not a whole number.
 *
 * @example
 * ```ts
 * import { metricValue, sparseCategoricalAccuracy, tensor } from "@millrace/millrace";
 * import assert from "node:assert/strict";
 *
 * const outputs = tensor([[1, 3], [2, 1]]);
 * assert.equal(await metricValue(sparseCategoricalAccuracy(), tensor([1, 1]), outputs), 0.5);
 * ```
 *
 * Keras: `SparseCategoricalAccuracy`, which has no `ignoreClass`.
 */
export function sparseCategoricalAccuracy(
  options: SparseCategoricalAccuracyOptions = {},
): Metric {
  const { ignoreClass } = options;
  const name = "sparse_categorical_accuracy";
  const hits = (targets: Tensor, outputs: Tensor) =>
    sparseHits("sparseCategoricalAccuracy", targets, outputs);
  if (ignoreClass === undefined) {
    return averageMetric(name, "max", hits, { classIds: oneIdOfOutputs });
  }
  if (!Number.isInteger(ignoreClass) || Math.abs(ignoreClass) >= 2 ** 31) {
    throw new RangeError(
      `Cannot use the ignoreClass of sparseCategoricalAccuracy as it must be a whole number: ` +
        `received ${ignoreClass}`,
    );
  }
  return {
    name,
    direction: "max",
    classIds: { ...oneIdOfOutputs, ignored: ignoreClass },
    apply(targets, outputs, sampleWeight) {
      const right = hits(targets, outputs);
      const labels = cast(reshape(targets, right.shape), "i32");
      const counted = cast(notEqual(labels, ignoreClass), "f32");
      const weights = sampleWeight
        ? mul(counted, reshape(sampleWeight, right.shape.map((size, axis) => axis ? 1 : size)))
        : counted;
      return [sum(mul(right, weights)), sum(weights)];
    },
    result: ([total], [count]) => total / count,
  };
}

/** 1 where the largest output is at the label, `[batch]`. */
export function sparseHits(name: string, targets: Tensor, outputs: Tensor): Tensor {
  const labels = alignLabels(name, targets, outputs, "for one-hot targets use categoricalAccuracy");
  // As i32 rather than u32: a label of −1 then is no class at all.
  return cast(equal(cast(argMax(outputs), "i32"), cast(labels, "i32")), "f32");
}
