import { type Inputs, isStored, sampleCount, type StoredInputs } from "../../data/data_set.ts";
import type { InputValues } from "../../data/store_arrays.ts";
import { DisposedError } from "../graph/errors.ts";
import { type Shape, sizeOf } from "../graph/shape.ts";
import { checkCount } from "../nn/check_count.ts";
import type { Model } from "../nn/model.ts";
import { entriesOf, fromEntries, type Like, type OneOrNamed, type Tensors } from "../nn/named.ts";
import { checkModel } from "./check_model.ts";
import { inferenceData, inputShapes, type InputValuesFor } from "./inference_data.ts";
import type { Computed } from "./inference_run.ts";
import { type DeviceOptions, openDevice } from "./open_device.ts";
import type { Predictions } from "./predictions.ts";
import { storedType } from "./resident_data.ts";
import { numbersOf, RequestBatches, type Rows } from "./request_batches.ts";
import { RequestQueue } from "./request_queue.ts";
import { stateBatchSize } from "./state_batch_size.ts";
import { settled } from "./settled.ts";

/** Options of {@link openModel}. */
export interface OpenModelOptions extends DeviceOptions {
  /**
   * Samples that are computed at once, at most, from 1; default 32, or that of stateful layers. So
   * many inputs have memory of their own.
   */
  readonly batchSize?: number;
}

/** A model that stays on a device, made by {@link openModel}. */
export interface OpenModel<X extends Tensors = Tensors, O extends Tensors = Tensors>
  extends AsyncDisposable {
  /**
   * The outputs for some samples, in inference mode.
   *
   * @param inputs `[samples, ...inputShape]`, as {@link predict} takes them; they are copied.
   * @returns Outputs for every sample, in order; by name for a model of several outputs.
   * @throws {DataError} when the inputs are no arrays of numbers.
   * @throws {ShapeError} when they do not fit the model.
   * @throws {DisposedError} when the model has been closed.
   */
  predict(inputs: InputValuesFor<X>): Promise<Like<O, Predictions>>;
  /** Answers the calls that are waiting, then frees everything; a second call does nothing. */
  dispose(): Promise<void>;
}

/**
 * Opens a model to predict from again and again, as a server does: device, weights and plans stay,
 * where {@link predict} opens and frees them at each call.
 *
 * Calls that come while another one is computed are computed together, up to `batchSize` samples at
 * once; each gets what it would get alone, on the CPU to the last bit. Weights that the model is given
 * later (by training, also while it goes on, {@link loadWeights}, `Parameter.set`) count from the next
 * call on: no answer is made by two sets of weights. Nothing is compiled in a call but the first ones
 * of 1, 2, 4, 8 … samples.
 *
 * @param model The model. Stateful layers go on from call to call, each of which must then have
 * `batchSize` samples, or several times as many; `model.resetStates()` makes the states zeros.
 * @param options Device, threads, batch size.
 * @returns The open model, for `await using`; else it is to be closed by `dispose`.
 * @throws {RangeError} when the batch size is not a whole number from 1.
 *
 * @example
 * ```ts
 * import { dense, input, openModel, sequential } from "@millrace/millrace";
 * import assert from "node:assert/strict";
 *
 * const model = sequential([input([2]), dense(1, { kernelInitializer: "ones" })]);
 * await using open = await openModel(model, { device: "cpu", threads: 1 });
 * const answers = await Promise.all([open.predict([[1, 2]]), open.predict([[3, 4], [5, 6]])]);
 * assert.deepEqual(answers.map(({ data }) => [...data]), [[3], [7, 11]]);
 * ```
 *
 * ONNX Runtime: `InferenceSession`. Calls are gathered as TensorFlow Serving gathers them.
 */
export async function openModel<X extends Tensors, O extends Tensors>(
  model: Model<X, O>,
  options: OpenModelOptions = {},
): Promise<OpenModel<X, O>> {
  checkModel("open as openModel", model);
  const states = stateBatchSize([model]);
  const { batchSize = states ?? 32 } = options;
  checkCount("batchSize of openModel", batchSize, 1);
  await settled(model);
  const { device, owned } = await openDevice(options);
  try {
    return new Served(model, new RequestBatches(device, owned, model, batchSize), batchSize);
  } catch (error) {
    if (owned) device.dispose();
    throw error;
  }
}

class Served<X extends Tensors, O extends Tensors> implements OpenModel<X, O> {
  readonly #queue: RequestQueue<Rows, Computed[]>;
  #disposed: Promise<void> | undefined;

  constructor(
    private readonly model: Model<X, O>,
    private readonly batches: RequestBatches,
    private readonly batchSize: number,
  ) {
    this.#queue = new RequestQueue(batchSize, async (requests, goesOn) => {
      // A call is answered as a whole by the weights that its first samples have met.
      if (goesOn) return await batches.compute(requests);
      await settled(model);
      return await batches.compute(requests, { refresh: true });
    });
  }

  async predict(inputs: InputValuesFor<X>): Promise<Like<O, Predictions>> {
    if (this.#disposed) throw new DisposedError("Cannot predict as the model has been closed");
    const rows = this.#rowsOf(inputs as OneOrNamed<InputValues>);
    const parts = await Promise.all(
      split(rows, this.batchSize).map((part, place) => this.#queue.add(part, place > 0)),
    );
    const outputs = entriesOf<Shape>(this.model.outputShape, Array.isArray);
    return fromEntries(
      outputs.map(([name, shape], place) =>
        [name, joined(parts.map((part) => part[place]), shape)] as const
      ),
    ) as Like<O, Predictions>;
  }

  dispose(): Promise<void> {
    return this.#disposed ??= this.#queue.end().then(() => this.batches.finish());
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.dispose();
  }

  #rowsOf(inputs: OneOrNamed<InputValues>): Rows {
    const dataSet = inferenceData(this.model, inputs);
    const samples = sampleCount(dataSet);
    const given = new Map(entriesOf<StoredInputs>(dataSet.x, (part) => isStored(part as Inputs)));
    this.model.checkInputs(new Map([...given].map(([name, { shape }]) => [name, shape])));
    for (const part of given.values()) storedType("prediction inputs", part);
    const names = inputShapes(this.model).map(([name]) => name);
    return { samples, inputs: names.map((name) => numbersOf(given.get(name)!)) };
  }
}

/** Rows of as many samples as are computed at once, or fewer. */
function split({ samples, inputs }: Rows, most: number): Rows[] {
  return Array.from({ length: Math.ceil(samples / most) }, (_, place) => {
    const [first, end] = [place * most, Math.min((place + 1) * most, samples)];
    const part = (data: Float32Array) => {
      const size = data.length / samples;
      return data.subarray(first * size, end * size);
    };
    return { samples: end - first, inputs: inputs.map(part) };
  });
}

function joined(parts: readonly Computed[], outputShape: Shape): Predictions {
  if (parts.length === 1) return parts[0];
  const samples = parts.reduce((sum, { shape }) => sum + shape[0], 0);
  const shape = [samples, ...outputShape];
  const data = new Float32Array(sizeOf(shape));
  let end = 0;
  for (const part of parts) {
    data.set(part.data, end);
    end += part.data.length;
  }
  return { data, shape };
}
