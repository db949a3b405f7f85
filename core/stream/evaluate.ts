import type { DataSet } from "../../data/data_set.ts";
import { sampleCount } from "../../data/data_set.ts";
import type { Loss } from "../nn/loss.ts";
import type { Metric } from "../nn/metric.ts";
import type { Model } from "../nn/model.ts";
import type { Measured } from "./frame.ts";
import { named } from "./measure.ts";
import { type DeviceOptions, openDevice } from "./open_device.ts";
import { Run } from "./run.ts";
import { checkReduction, type Reduction } from "./score.ts";
import { Validation, validationBatchSize } from "./validation.ts";
import { settled } from "./weight_table.ts";

/** Options of {@link evaluate}. */
export interface EvaluateOptions extends DeviceOptions {
  /** The loss. */
  readonly loss: Loss;
  /** How the losses of samples become one number; default `sumOverBatchSize`. */
  readonly reduction?: Reduction;
  /** Metrics in which each sample counts once; default none. */
  readonly metrics?: readonly Metric[];
  /** Metrics in which each sample counts by its weight; default none. */
  readonly weightedMetrics?: readonly Metric[];
  /** Samples in a batch, from 1; default 1,024. It does not change the result. */
  readonly batchSize?: number;
}

/**
 * Loss and metrics of a model on a data set, in inference mode.
 *
 * @param model The model.
 * @param dataSet The data.
 * @param options Loss, metrics, device.
 * @returns Means over all samples by log name: `loss`, `accuracy`.
 *
 * @example
 * ```ts
 * import {
 *   arrays, dense, evaluate, input, meanSquaredError, sequential,
 * } from "@millrace/millrace";
 * import assert from "node:assert/strict";
 *
 * const model = sequential([input([1]), dense(1, { kernelInitializer: "zeros" })]);
 * const data = arrays([[1], [2]], [[2], [4]]);
 * const options = { loss: meanSquaredError(), device: "cpu", threads: 1 } as const;
 * assert.deepEqual(await evaluate(model, data, options), { loss: 10 });
 * ```
 *
 * Keras: `Model.evaluate` with `return_dict=True`.
 */
export async function evaluate(
  model: Model,
  dataSet: DataSet,
  options: EvaluateOptions,
): Promise<Record<string, number>> {
  await settled(model);
  const { loss, batchSize = validationBatchSize } = options;
  const reduction = checkReduction(options.reduction ?? "sumOverBatchSize");
  const samples = sampleCount(dataSet);
  const { device, owned } = await openDevice(options, Math.ceil(samples / batchSize));
  const run = new Run(device, owned, { seed: 0, samples });
  try {
    const evaluation = { model, loss, name: "loss", reduction, metrics: measuredBy(options) };
    const validation = new Validation(run, dataSet, [evaluation], batchSize);
    const sums = await validation.measure();
    validation.dispose();
    return sums.logs();
  } finally {
    await run.finish();
  }
}

function measuredBy({ metrics = [], weightedMetrics = [] }: EvaluateOptions): Measured[] {
  const plain = named(metrics, false, new Set());
  return [...plain, ...named(weightedMetrics, true, new Set(plain.map(({ name }) => name)))];
}
