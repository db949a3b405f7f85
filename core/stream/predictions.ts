import { Observable as Stream } from "rxjs";
import {
  type AnyDataSet,
  type DataSet,
  sampleCount,
  type StoredInputs,
  type Targets,
} from "../../data/data_set.ts";
import type { InputValues } from "../../data/store_arrays.ts";
import type { Shape } from "../graph/shape.ts";
import type { Tensor } from "../graph/tensor.ts";
import { checkCount } from "../nn/check_count.ts";
import type { AnyModel } from "../nn/connect.ts";
import type { Model } from "../nn/model.ts";
import { entriesOf, fromEntries, type Like, type OneOrNamed, type Tensors } from "../nn/named.ts";
import type { Observable } from "../nn/rxjs_types.ts";
import { checkModel } from "./check_model.ts";
import { type DeviceOptions, openDevice } from "./open_device.ts";
import { inferenceData, type InputValuesFor } from "./inference_data.ts";
import { InferenceRun } from "./inference_run.ts";
import { Permits } from "./permits.ts";
import type { InputsFor } from "./resident_data.ts";
import { stateBatchSize } from "./state_batch_size.ts";
import { settled } from "./settled.ts";
import { Turns } from "./yield_to_events.ts";

/** Options of {@link predict} and {@link predictions}. */
export interface PredictOptions extends DeviceOptions {
  /**
   * Samples in a batch, from 1; default 1,024, or that of stateful layers. It does not change the
   * result, on a GPU but for last bits.
   */
  readonly batchSize?: number;
}

/** What a model makes of inputs. */
export interface Predictions {
  /** Outputs, row by row. */
  readonly data: Float32Array;
  /** `[samples, ...outputShape]`. */
  readonly shape: readonly number[];
}

/** Why a model gives what it gives for a batch, as {@link explain} finds it. */
export interface Explanation {
  /** How much each feature counts for the target's output, sample by sample. */
  readonly data: Float32Array;
  /** `[samples, ...inputShape]`. */
  readonly shape: readonly number[];
  /** The output that was explained, `[samples]`. */
  readonly scores: Float32Array;
}

/** What a model makes of one batch. */
export interface Prediction<O extends Tensors = Tensor> {
  /** Number of the batch's first sample, from 0. */
  readonly start: number;
  /** Samples in the batch. */
  readonly samples: number;
  /** Outputs for each of them; by name for a model of several outputs. */
  readonly outputs: Like<O, Predictions>;
  /** What operators above have found out about them, by the names of methods. */
  readonly explanations: Readonly<Record<string, Explanation>>;
  /** Makes the next batch wait until `promise` has settled; its error ends the stream. */
  hold(promise: Promise<unknown>): void;
  /**
   * Where the batch still lies.
   *
   * @internal
   */
  readonly run: InferenceRun;
}

/**
 * What a model makes of inputs, in inference mode, as a stream of batches.
 *
 * Stateful layers go on, from batch to batch, from the states that training or the last prediction has
 * left; `model.resetStates()` makes them zeros.
 *
 * The next batch is computed when all that operators have put on the last one ({@link
 * Prediction.hold}) has settled. {@link explain} adds explanations.
 *
 * @param model The model.
 * @param inputs `[samples, ...inputShape]`: nested arrays, flat typed arrays, numbers with their shape
 * or the `x` of a data set; by name for a model of several inputs. Or a data set, whose targets are
 * left alone: that of {@link streamedDataSet} is read while batches of it are computed, and gives the
 * same bits.
 * @param options Batch size, device.
 * @returns A cold stream: each subscription computes anew, and unsubscribing frees the device.
 * @throws {RangeError} when the batch size is not a whole number from 1.
 * @throws {DataError} on the error channel, when the inputs are not such arrays, or samples cannot be
 * read.
 *
 * @example
 * ```ts
 * import { dense, input, predictions, sequential } from "@millrace/millrace";
 * import { lastValueFrom, map, toArray } from "rxjs";
 * import assert from "node:assert/strict";
 *
 * const model = sequential([input([2]), dense(1, { kernelInitializer: "ones" })]);
 * const inputs = [[1, 2], [3, 4], [5, 6]];
 * const options = { batchSize: 2, device: "cpu", threads: 1 } as const;
 * const sums = predictions(model, inputs, options).pipe(map(({ outputs }) => [...outputs.data]));
 * assert.deepEqual(await lastValueFrom(sums.pipe(toArray())), [[3, 7], [11]]);
 * ```
 */
export function predictions<X extends Tensors, O extends Tensors>(
  model: Model<X, O>,
  inputs: InputValuesFor<X> | DataSet<InputsFor<X>, Targets>,
  options?: PredictOptions,
): Observable<Prediction<O>>;
/** What a model of one input and one output makes of inputs, as a stream of batches. */
export function predictions(
  model: Model,
  inputs: InputValues | DataSet<StoredInputs, Targets>,
  options?: PredictOptions,
): Observable<Prediction>;
export function predictions(
  model: AnyModel,
  inputs: OneOrNamed<InputValues> | AnyDataSet,
  options: PredictOptions = {},
): Observable<Prediction<Tensors>> {
  checkModel("predict as predictions", model);
  return predictionsOf(model, () => inferenceData(model, inputs), options);
}

/** What a model makes of a data set, which is asked for at each subscription. */
export function predictionsOf(
  model: AnyModel,
  data: () => AnyDataSet,
  options: PredictOptions,
): Observable<Prediction<Tensors>> {
  const { batchSize = stateBatchSize([model]) ?? 1024 } = options;
  checkCount("batchSize of predictions", batchSize, 1);
  return new Stream<Prediction<Tensors>>((subscriber) => {
    const names = entriesOf<Shape>(model.outputShape, Array.isArray).map(([name]) => name);
    let left = false;
    const turns = new Turns();
    const permits = new Permits(() => 1);
    subscriber.add(() => {
      left = true;
      turns.stop();
      permits.open();
    });
    const batches = async () => {
      await settled(model);
      const dataSet = data();
      const samples = sampleCount(dataSet);
      const { device, owned } = await openDevice(options, Math.ceil(samples / batchSize));
      const run = new InferenceRun(device, owned, model, dataSet, batchSize);
      try {
        for (let start = 0; start < samples && !left; start += batchSize) {
          const count = Math.min(batchSize, samples - start);
          const made = await run.compute(run, start, count, (x) => run.predict(x));
          if (left) return;
          const holds: Promise<unknown>[] = [];
          const hold = (promise: Promise<unknown>) => {
            promise.catch(() => {});
            holds.push(promise);
          };
          const outputs = fromEntries(made.map((part, place) => [names[place], part] as const));
          subscriber.next({ start, samples: count, outputs, explanations: {}, hold, run });
          // What has settled may have put more on the batch.
          while (holds.length > 0 && !left) {
            permits.take(holds.splice(0));
            await permits.waitForAll();
          }
          const turn = turns.due();
          if (turn) await turn;
        }
      } finally {
        await run.finish();
      }
    };
    batches().then(() => subscriber.complete(), (error) => subscriber.error(error));
  });
}
