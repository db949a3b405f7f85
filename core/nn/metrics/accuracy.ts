import { ShapeError } from "../../graph/errors.ts";
import { formatShape, sameShape } from "../../graph/shape.ts";
import type { Tensor } from "../../graph/tensor.ts";
import { areLabels, idsOrRows } from "../losses/targets.ts";
import type { Metric } from "../metric.ts";
import { averageMetric } from "./average_metric.ts";
import { binaryHits } from "./binary_accuracy.ts";
import { categoricalHits } from "./categorical_accuracy.ts";
import { sparseHits } from "./sparse_categorical_accuracy.ts";

/**
 * The part of the answers that are right, of the kind that the shapes tell.
 *
 * One output a sample: {@link binaryAccuracy} at ½. Targets of the outputs' shape:
 * {@link categoricalAccuracy}. One label a sample: {@link sparseCategoricalAccuracy}.
 *
 * @returns A metric named `accuracy`, from 0 to 1; larger is better.
 *
 * @example
 * ```ts
 * import { accuracy, metricValue, tensor } from "@millrace/millrace";
 * import assert from "node:assert/strict";
 *
 * const outputs = tensor([[0.1, 0.9], [0.8, 0.2]]);
 * assert.equal(await metricValue(accuracy(), tensor([1, 1]), outputs), 0.5);
 * ```
 *
 * Keras: `"accuracy"`, by the same rule. For one logit a sample use `binaryAccuracy({ threshold: 0 })`;
 * for several answers a sample (multi-label) `binaryAccuracy()`.
 */
export function accuracy(): Metric {
  return averageMetric("accuracy", "max", chooseHits, {
    takesLogits: (outputs) => classesOf(outputs) === 1 ? false : undefined,
    classIds: {
      count: (outputs, targets) =>
        classesOf(outputs) > 1 ? idsOrRows.count(outputs, targets) : undefined,
    },
  });
}

function chooseHits(targets: Tensor, outputs: Tensor): Tensor {
  if (classesOf(outputs) === 1) return binaryHits("accuracy", targets, outputs, 0.5);
  if (sameShape(targets.shape, outputs.shape)) return categoricalHits("accuracy", targets, outputs);
  if (areLabels(targets, outputs)) return sparseHits("accuracy", targets, outputs);
  throw new ShapeError(
    `Cannot apply accuracy as targets must be labels ${
      formatShape(outputs.shape.slice(0, -1))
    } or ` +
      `rows ${formatShape(outputs.shape)}: received ${formatShape(targets.shape)} ${targets.dtype}`,
  );
}

function classesOf({ rank, shape }: Tensor): number {
  return rank > 1 ? shape[rank - 1] : 1;
}
