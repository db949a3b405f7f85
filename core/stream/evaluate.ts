import { type DataSet, sampleCount, type Targets } from "../../data/data_set.ts";
import { DataError } from "../graph/errors.ts";
import type { Tensor } from "../graph/tensor.ts";
import { checkCount } from "../nn/check_count.ts";
import type { MetricTable } from "../nn/metric.ts";
import type { Model } from "../nn/model.ts";
import type { Tensors } from "../nn/named.ts";
import { criteriaOf, type Losses, type LossWeights, measuredBy, type Metrics } from "./criteria.ts";
import type { Measured } from "./frame.ts";
import type { ByLossFunction } from "./loss_function.ts";
import { received } from "../state/received.ts";
import { checkModel } from "./check_model.ts";
import { type DeviceOptions, openDevice } from "./open_device.ts";
import type { RecordSums } from "./record_layout.ts";
import type { InputsFor, TensorsFor } from "./resident_data.ts";
import { Run } from "./run.ts";
import { checkReduction, type Reduction } from "./score.ts";
import { Validation, validationBatchSize } from "./validation.ts";
import { settled } from "./settled.ts";

/** Options of {@link evaluate}. */
export interface EvaluateOptions<O extends Tensors = Tensor> extends DeviceOptions {
  /** The loss, or losses by the names of outputs. */
  readonly loss: Losses<O>;
  /** Factors of the losses in their sum, by the names of outputs; default 1. */
  readonly lossWeights?: LossWeights<O>;
  /** How the losses of samples become one number; default `sumOverBatchSize`. */
  readonly reduction?: Reduction;
  /** Metrics in which each sample counts once, or such by the names of outputs; default none. */
  readonly metrics?: Metrics<O>;
  /** Metrics in which each sample counts by its weight; default none. */
  readonly weightedMetrics?: Metrics<O>;
  /**
   * Samples in a batch, from 1; default: alike, 1,024 at most. The result stays the same, unless the
   * loss is one of a whole batch, as a sum is: of those it is the mean.
   */
  readonly batchSize?: number;
}

/**
 * Loss and metrics of a model on a data set, in inference mode. Stateful layers begin with zeros, and
 * the model keeps the states that it had.
 *
 * @param model The model.
 * @param dataSet The data.
 * @param options Loss, metrics, device.
 * @returns Means over all samples by log name: `loss`, `accuracy`.
 * @throws {DataError} when the data set has no sample.
 * @throws {RangeError} when an option is out of range.
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
 * Keras: `Model.evaluate` with `return_dict=True`. Tables, such as a confusion matrix, are given by
 * {@link evaluateTables}.
 */
export function evaluate<X extends Tensors, O extends Tensors, Y extends Targets>(
  model: Model<X, O>,
  dataSet: DataSet<InputsFor<X>, Y>,
  options: ByLossFunction<EvaluateOptions<O>, X, TensorsFor<Y>, O>,
): Promise<Record<string, number>>;
/** The same by the losses of outputs. */
export function evaluate<
  X extends Tensors = Tensor,
  O extends Tensors = Tensor,
>(
  model: Model<X, O>,
  dataSet: DataSet<InputsFor<X>, Targets>,
  options: EvaluateOptions<O>,
): Promise<Record<string, number>>;
export async function evaluate<X extends Tensors, O extends Tensors>(
  model: Model<X, O>,
  dataSet: DataSet<InputsFor<X>, Targets>,
  options: EvaluateOptions<O>,
): Promise<Record<string, number>> {
  return (await sumsOf(model, dataSet, options)).logs();
}

/**
 * The tables of metrics that give one, of a model on a data set in inference mode.
 *
 * @param model The model.
 * @param dataSet The data.
 * @param options As for {@link evaluate}; the metrics that give numbers are left out of the result.
 * @returns Tables over all samples by log name: `confusion_matrix`.
 *
 * @example
 * ```ts
 * import {
 *   arrays, confusionMatrix, dense, evaluateTables, input, sequential,
 *   sparseCategoricalCrossentropy,
 * } from "@millrace/millrace";
 * import assert from "node:assert/strict";
 *
 * const model = sequential([input([2]), dense(2)]);
 * model.parameters[0].set([1, 0, 0, 1]);
 * const data = arrays([[1, 0], [0, 1], [0, 1]], [0, 1, 0], { classes: 2 });
 * const { confusion_matrix } = await evaluateTables(model, data, {
 *   loss: sparseCategoricalCrossentropy({ fromLogits: true }),
 *   metrics: [confusionMatrix(2)],
 *   device: "cpu",
 *   threads: 1,
 * });
 * assert.deepEqual(confusion_matrix, [[1, 1], [0, 1]]);
 * ```
 */
export function evaluateTables<X extends Tensors, O extends Tensors, Y extends Targets>(
  model: Model<X, O>,
  dataSet: DataSet<InputsFor<X>, Y>,
  options: ByLossFunction<EvaluateOptions<O>, X, TensorsFor<Y>, O>,
): Promise<Record<string, MetricTable>>;
/** The same by the losses of outputs. */
export function evaluateTables<
  X extends Tensors = Tensor,
  O extends Tensors = Tensor,
>(
  model: Model<X, O>,
  dataSet: DataSet<InputsFor<X>, Targets>,
  options: EvaluateOptions<O>,
): Promise<Record<string, MetricTable>>;
export async function evaluateTables<X extends Tensors, O extends Tensors>(
  model: Model<X, O>,
  dataSet: DataSet<InputsFor<X>, Targets>,
  options: EvaluateOptions<O>,
): Promise<Record<string, MetricTable>> {
  return (await sumsOf(model, dataSet, options)).tables();
}

async function sumsOf<X extends Tensors, O extends Tensors>(
  model: Model<X, O>,
  dataSet: DataSet<InputsFor<X>, Targets>,
  options: EvaluateOptions<O>,
): Promise<RecordSums> {
  checkModel("evaluate as evaluate", model);
  if (typeof options !== "object" || options === null) {
    throw new TypeError(
      `Cannot evaluate without options: give a loss, as { loss: meanSquaredError() } (received ` +
        `${received(options)})`,
    );
  }
  await settled(model);
  const { batchSize } = options;
  if (batchSize !== undefined) checkCount("batchSize of evaluate", batchSize, 1);
  const reduction = checkReduction(options.reduction ?? "sumOverBatchSize");
  const criteria = criteriaOf(options.loss, options.lossWeights);
  const evaluation = { model, criteria, name: "loss", reduction, metrics: allMetrics(options) };
  const samples = sampleCount(dataSet);
  if (!(samples >= 1)) {
    throw new DataError(
      `Cannot evaluate as the data set must have at least one sample: received ${samples}`,
    );
  }
  const { device, owned } = await openDevice(
    options,
    Math.ceil(samples / (batchSize ?? validationBatchSize)),
  );
  const run = new Run(device, owned, { seed: 0, samples });
  let validation: Validation | undefined;
  try {
    validation = new Validation(run, dataSet, [evaluation], batchSize);
    return await validation.measure();
  } finally {
    validation?.dispose();
    await run.finish();
  }
}

/** All metrics with their log names. */
export function allMetrics<O extends Tensors>(
  { metrics, weightedMetrics }: EvaluateOptions<O>,
): Measured[] {
  const plain = measuredBy(metrics ?? [], false, new Set());
  const taken = new Set(plain.map(({ name }) => name));
  return [...plain, ...measuredBy(weightedMetrics ?? [], true, taken)];
}
