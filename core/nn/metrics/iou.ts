import { greaterEqual } from "../../ops/greater_equal.ts";
import { checkCount } from "../check_count.ts";
import { checkScalar } from "../check_scalar.ts";
import type { Metric } from "../metric.ts";
import { confusionIds, confusionTotals } from "./confusion_matrix.ts";

/** Options of {@link iou} and {@link meanIoU}. */
export interface IouOptions {
  /** Log name; default Keras's. */
  readonly name?: string;
}

/** Options of {@link binaryIoU}. */
export interface BinaryIouOptions extends IouOptions {
  /** Classes whose mean is taken: 0, 1 or both; default both. */
  readonly targetClassIds?: readonly number[];
  /** Outputs from it on are class 1; default 0.5. */
  readonly threshold?: number;
}

/** Keras's epsilon. */
const epsilon = 1e-7;

/**
 * Intersection over union of some classes: how often class and answer are both k, over how often
 * either is; the mean over the classes asked for that occur.
 *
 * @param classes Number of classes, from 2.
 * @param targetClassIds The classes asked for.
 * @param options Name.
 * @returns A metric of outputs `[batch, ..., classes]` and labels or one-hot targets.
 * @throws {RangeError} when a class is out of range.
 *
 * @example
 * ```ts
 * import { iou, metricValue, tensor } from "@millrace/millrace";
 * import assert from "node:assert/strict";
 *
 * const outputs = tensor([[0.9, 0.1], [0.2, 0.8], [0.6, 0.4], [0.1, 0.9]]);
 * const value = await metricValue(iou(2, [0]), tensor([0, 0, 1, 1]), outputs) as number;
 * assert.ok(Math.abs(value - 1 / 3) < 1e-6);
 * ```
 *
 * Keras: `OneHotIoU` and `IoU`, of outputs before the argmax (`sparse_y_pred=False`).
 */
export function iou(
  classes: number,
  targetClassIds: readonly number[],
  options: IouOptions = {},
): Metric {
  return overlap("iou", options.name ?? "io_u", classes, targetClassIds, 0.5);
}

/**
 * Intersection over union: the mean over all classes that occur.
 *
 * @param classes Number of classes, from 2.
 * @param options Name.
 * @returns A metric of outputs `[batch, ..., classes]` and labels or one-hot targets.
 * @throws {RangeError} when `classes` is not a whole number from 2.
 *
 * @example
 * ```ts
 * import { meanIoU, metricValue, tensor } from "@millrace/millrace";
 * import assert from "node:assert/strict";
 *
 * const outputs = tensor([[0.9, 0.1], [0.2, 0.8], [0.6, 0.4], [0.1, 0.9]]);
 * const value = await metricValue(meanIoU(2), tensor([0, 0, 1, 1]), outputs) as number;
 * assert.ok(Math.abs(value - 1 / 3) < 1e-6);
 * ```
 *
 * Keras: `OneHotMeanIoU` and `MeanIoU`, of outputs before the argmax (`sparse_y_pred=False`).
 */
export function meanIoU(classes: number, options: IouOptions = {}): Metric {
  const all = Array.from({ length: classes }, (_, id) => id);
  return overlap("meanIoU", options.name ?? "mean_io_u", classes, all, 0.5);
}

/**
 * Intersection over union of yes-or-no answers.
 *
 * @param options Classes, threshold, name.
 * @returns A metric of outputs `[batch]` or `[batch, ..., 1]`, and targets of 0 and 1.
 * @throws {RangeError} when a class is neither 0 nor 1.
 *
 * @example
 * ```ts
 * import { binaryIoU, metricValue, tensor } from "@millrace/millrace";
 * import assert from "node:assert/strict";
 *
 * const metric = binaryIoU({ threshold: 0.3 });
 * const outputs = tensor([0.1, 0.2, 0.4, 0.7]);
 * const value = await metricValue(metric, tensor([0, 1, 0, 1]), outputs) as number;
 * assert.ok(Math.abs(value - 1 / 3) < 1e-6);
 * ```
 *
 * Keras: `BinaryIoU`.
 */
export function binaryIoU(options: BinaryIouOptions = {}): Metric {
  const { targetClassIds = [0, 1], threshold = 0.5, name = "binary_io_u" } = options;
  checkScalar("the threshold of binaryIoU", threshold);
  return overlap("binaryIoU", name, 2, targetClassIds, threshold);
}

function overlap(
  factory: string,
  name: string,
  classes: number,
  targetClassIds: readonly number[],
  threshold: number,
): Metric {
  checkCount(`the classes of ${factory}`, classes, 2);
  const wrong = targetClassIds.find((id) => !Number.isInteger(id) || id < 0 || id >= classes);
  if (wrong !== undefined || targetClassIds.length === 0) {
    throw new RangeError(
      `Cannot make ${factory} as targetClassIds must be whole numbers from 0 to ${classes - 1}: ` +
        `received ${wrong ?? "none"}`,
    );
  }
  return {
    name,
    direction: "max",
    classIds: confusionIds,
    apply: (targets, outputs, sampleWeight) => [
      confusionTotals(
        factory,
        targets,
        outputs,
        sampleWeight,
        classes,
        (given) => greaterEqual(given, threshold),
      ),
    ],
    result(counts) {
      const at = (row: number, column: number) => counts[row * classes + column];
      let total = 0;
      let occurring = 0;
      for (const id of targetClassIds) {
        let union = -at(id, id);
        for (let other = 0; other < classes; other++) union += at(id, other) + at(other, id);
        total += at(id, id) / (union + epsilon);
        if (union > 1e-9) occurring++;
      }
      return total / (occurring + epsilon);
    },
  };
}
