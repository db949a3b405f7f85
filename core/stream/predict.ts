import {
  type AnyDataSet,
  type Inputs,
  isStored,
  sampleCount,
  type StoredInputs,
} from "../../data/data_set.ts";
import type { Executable } from "../graph/device.ts";
import { type Shape, sizeOf } from "../graph/shape.ts";
import type { AnyModel } from "../nn/connect.ts";
import type { Model } from "../nn/model.ts";
import {
  entriesOf,
  fromEntries,
  type Like,
  type OneOrNamed,
  tensorEntries,
  type Tensors,
} from "../nn/named.ts";
import { applyModel } from "./apply_model.ts";
import { type DeviceOptions, openDevice } from "./open_device.ts";
import type { InputsFor, LoadedData } from "./resident_data.ts";
import { Run } from "./run.ts";
import { settled } from "./weight_table.ts";

/** Options of {@link predict}. */
export interface PredictOptions extends DeviceOptions {
  /** Samples in a batch, from 1; default 1,024. It does not change the result. */
  readonly batchSize?: number;
}

/** What a model makes of inputs. */
export interface Predictions {
  /** Outputs, row by row. */
  readonly data: Float32Array;
  /** `[samples, ...outputShape]`. */
  readonly shape: readonly number[];
}

/**
 * The outputs of a model, in inference mode.
 *
 * @param model The model.
 * @param inputs `[samples, ...inputShape]`: the `x` of a data set, or arrays made with `arrays`; by
 * name for a model of several inputs.
 * @param options Batch size, device.
 * @returns Outputs for every sample, in order; by name for a model of several outputs.
 * @throws {RangeError} when the batch size is not a whole number from 1.
 *
 * @example
 * ```ts
 * import { dense, input, predict, sequential } from "@millrace/millrace";
 * import assert from "node:assert/strict";
 *
 * const model = sequential([input([2]), dense(1, { kernelInitializer: "ones" })]);
 * const inputs = { data: Float32Array.of(1, 2, 3, 4), shape: [2, 2] };
 * const { data, shape } = await predict(model, inputs, { device: "cpu", threads: 1 });
 * assert.deepEqual([...data], [3, 7]);
 * assert.deepEqual(shape, [2, 1]);
 * ```
 *
 * Keras: `Model.predict`.
 */
export async function predict<X extends Tensors, O extends Tensors>(
  model: Model<X, O>,
  inputs: InputsFor<X>,
  options?: PredictOptions,
): Promise<Like<O, Predictions>>;
/** The outputs of a model of one input and one output, in inference mode. */
export async function predict(
  model: Model,
  inputs: StoredInputs,
  options?: PredictOptions,
): Promise<Predictions>;
export async function predict(
  model: AnyModel,
  inputs: Inputs,
  options: PredictOptions = {},
): Promise<OneOrNamed<Predictions>> {
  const { batchSize = 1024 } = options;
  if (!Number.isInteger(batchSize) || batchSize < 1) {
    throw new RangeError(
      `Cannot predict as batchSize must be a whole number from 1: received ${batchSize}`,
    );
  }
  await settled(model);
  const dataSet = withoutTargets(inputs);
  const samples = sampleCount(dataSet);
  const outputs = entriesOf<Shape>(model.outputShape, Array.isArray).map(([name, outputShape]) => {
    const shape = [samples, ...outputShape];
    return { name, size: sizeOf(outputShape), shape, data: new Float32Array(sizeOf(shape)) };
  });
  const { device, owned } = await openDevice(options, Math.ceil(samples / batchSize));
  const run = new Run(device, owned, { seed: 0, samples });
  const plans = new Map<number, Executable>();
  try {
    run.addModel(model);
    const resident = run.load(dataSet, "inputs", batchSize);
    for (let start = 0; start < samples; start += batchSize) {
      const count = Math.min(batchSize, samples - start);
      const executable = plans.get(count) ?? prepare(run, model, resident, count);
      plans.set(count, executable);
      run.place(start);
      await executable.run(run.scalarValues(executable));
      for (const [place, { data, size }] of outputs.entries()) {
        data.set(await executable.read(place), start * size);
      }
    }
    return fromEntries(outputs.map(({ name, data, shape }) => [name, { data, shape }] as const));
  } finally {
    for (const executable of plans.values()) executable.dispose();
    await run.finish();
  }
}

function prepare(run: Run, model: AnyModel, resident: LoadedData, count: number): Executable {
  const { x } = resident.batch(count);
  const { outputs } = applyModel(run, model, run.weightTable.leaves, x, false);
  return run.prepare(tensorEntries(outputs).map(([, tensor]) => tensor), 0);
}

/** A data set needs targets; these are never read. */
function withoutTargets(x: Inputs): AnyDataSet {
  const samples = (isStored(x) ? x : Object.values(x)[0]).shape[0];
  return { x, y: { data: new Uint8Array(samples), shape: [samples] } };
}
