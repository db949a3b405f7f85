import type { Tensor } from "../graph/tensor.ts";
import type { ClassIdTargets } from "./loss.ts";
import type { Mask } from "./mask.ts";

/** Adds what a batch gives to that of an epoch, number by number. */
export function addTotals(
  totals: readonly Float64Array[],
  batch: readonly Float64Array[],
): void {
  totals.forEach((total, place) => {
    for (let at = 0; at < total.length; at++) total[at] += batch[place][at];
  });
}

/** Rows of numbers: a confusion matrix. */
export type MetricTable = readonly (readonly number[])[];

/**
 * A number that people read, or a table of them: what batches add is summed up over the epoch, and
 * the metric is worked out from the sums.
 */
export interface Metric {
  /** Keras's name, for logs: `accuracy`. */
  readonly name: string;
  /** Whether smaller or larger is better: what `mode: "auto"` of callbacks goes by. */
  readonly direction: "min" | "max";
  /** Whether {@link Metric.apply} goes by the mask of the outputs itself, as for a loss. */
  readonly supportsMasking?: boolean;
  /**
   * For a metric of class ids: what they are. A data set with another label is refused, unless it is
   * one that the loss of the same targets ignores.
   */
  readonly classIds?: ClassIdTargets;
  /** Whether it takes outputs for logits, as for a loss. */
  takesLogits?(outputs: Tensor): boolean | undefined;
  /**
   * What a batch adds: sums over its samples, such as the hits and the samples, or the hits at each
   * threshold. The device computes them, and the host adds them up over the epoch in float64.
   *
   * @param targets What the outputs should be, as for the loss.
   * @param outputs Outputs of a model, `[batch, outputs]` or `[batch]`, f32.
   * @param sampleWeight How much each sample counts, `[batch]`, f32; by default each counts once.
   * @param mask Which steps of the outputs count, for a metric that supports masking.
   * @returns Tensors of f32, i32 or u32, of shapes that do not hang on the batch's size; or numbers,
   * where they are known beforehand, as that of the samples.
   * @throws {ShapeError} when targets and outputs do not fit the metric.
   */
  apply(
    targets: Tensor,
    outputs: Tensor,
    sampleWeight?: Tensor,
    mask?: Mask,
  ): readonly (Tensor | number)[];
  /**
   * Adds what a batch gives to that of the epoch, on the host, where that is not number by number; by
   * default it is.
   *
   * @param totals Of the epoch so far, zeros for none; they are changed.
   * @param batch Of the batch.
   */
  add?(totals: readonly Float64Array[], batch: readonly Float64Array[]): void;
  /**
   * The metric from the sums over all batches.
   *
   * @param totals For each of what {@link Metric.apply} gives its sum, row by row.
   * @returns The number to log, NaN over no samples; or a table.
   */
  result(...totals: Float64Array[]): number | MetricTable;
}
