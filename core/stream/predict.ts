import { lastValueFrom, reduce } from "rxjs";
import {
  type AnyDataSet,
  type DataSet,
  sampleCount,
  type StoredInputs,
  type Targets,
} from "../../data/data_set.ts";
import type { InputValues } from "../../data/store_arrays.ts";
import { type Shape, sizeOf } from "../graph/shape.ts";
import type { AnyModel } from "../nn/connect.ts";
import type { Model } from "../nn/model.ts";
import { entriesOf, fromEntries, type Like, type OneOrNamed, type Tensors } from "../nn/named.ts";
import { checkModel } from "./check_model.ts";
import { type Predictions, predictionsOf, type PredictOptions } from "./predictions.ts";
import { inferenceData, type InputValuesFor } from "./inference_data.ts";
import type { InputsFor } from "./resident_data.ts";

/**
 * The outputs of a model, in inference mode. Stateful layers go on from the states that they have, and
 * keep the last ones: `model.resetStates()` makes them zeros.
 *
 * @param model The model.
 * @param inputs `[samples, ...inputShape]`: nested arrays, flat typed arrays, numbers with their shape
 * or the `x` of a data set; by name for a model of several inputs. Or a data set, whose targets are
 * left alone: that of {@link streamedDataSet} is read while batches of it are computed, and gives the
 * same bits.
 * @param options Batch size, device.
 * @returns Outputs for every sample, in order; by name for a model of several outputs.
 * @throws {RangeError} when the batch size is not a whole number from 1.
 * @throws {DataError} when the inputs are not such arrays, or samples cannot be read.
 *
 * @example
 * ```ts
 * import { dense, input, predict, sequential } from "@millrace/millrace";
 * import assert from "node:assert/strict";
 *
 * const model = sequential([input([2]), dense(1, { kernelInitializer: "ones" })]);
 * const { data, shape } = await predict(model, [[1, 2], [3, 4]], { device: "cpu" });
 * assert.deepEqual([...data], [3, 7]);
 * assert.deepEqual(shape, [2, 1]);
 * ```
 *
 * Keras: `Model.predict`.
 */
export async function predict<X extends Tensors, O extends Tensors>(
  model: Model<X, O>,
  inputs: InputValuesFor<X> | DataSet<InputsFor<X>, Targets>,
  options?: PredictOptions,
): Promise<Like<O, Predictions>>;
/** The outputs of a model of one input and one output, in inference mode. */
export async function predict(
  model: Model,
  inputs: InputValues | DataSet<StoredInputs, Targets>,
  options?: PredictOptions,
): Promise<Predictions>;
export async function predict(
  model: AnyModel,
  inputs: OneOrNamed<InputValues> | AnyDataSet,
  options: PredictOptions = {},
): Promise<OneOrNamed<Predictions>> {
  checkModel("predict as predict", model);
  const dataSet = inferenceData(model, inputs);
  const samples = sampleCount(dataSet);
  const whole = entriesOf<Shape>(model.outputShape, Array.isArray).map(([name, outputShape]) => {
    const shape = [samples, ...outputShape];
    return [name, { shape, data: new Float32Array(sizeOf(shape)) }] as const;
  });
  const batches = predictionsOf(model, () => dataSet, options);
  const gathered = batches.pipe(reduce((parts, { start, outputs }) => {
    const made = entriesOf<Predictions>(outputs, isPrediction);
    made.forEach(([, { data, shape }], place) =>
      parts[place][1].data.set(data, start * data.length / shape[0])
    );
    return parts;
  }, whole));
  return fromEntries(await lastValueFrom(gathered, { defaultValue: whole }));
}

function isPrediction(outputs: OneOrNamed<Predictions>): boolean {
  return outputs.data instanceof Float32Array;
}
