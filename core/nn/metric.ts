import type { Tensor } from "../graph/tensor.ts";

/** The part of a metric that one batch adds. */
export interface MetricTotals {
  /** Sum over the batch, f32, rank 0. */
  readonly total: Tensor;
  /** What the sums are divided by at the end: samples in the batch. */
  readonly count: Tensor | number;
}

/** A number that people read: totals are added up on the device and divided at the end. */
export interface Metric {
  /** Keras's name, for logs: `accuracy`. */
  readonly name: string;
  /** Whether smaller or larger is better: what `mode: "auto"` of callbacks goes by. */
  readonly direction: "min" | "max";
  /**
   * What a batch adds.
   *
   * @param targets What the outputs should be, as for the loss.
   * @param outputs Outputs of a model, `[batch, outputs]` or `[batch]`, f32.
   * @throws {ShapeError} when targets and outputs do not fit the metric.
   */
  apply(targets: Tensor, outputs: Tensor): MetricTotals;
  /**
   * The metric from sums over all batches.
   *
   * @param total Sum of the totals.
   * @param count Sum of the counts.
   * @returns The number to log; NaN over no samples.
   */
  result(total: number, count: number): number;
}
