import type { DataSet, StoredInputs } from "../../data/data_set.ts";
import type { Executable } from "../graph/device.ts";
import { sizeOf } from "../graph/shape.ts";
import type { Model } from "../nn/model.ts";
import { applyModel } from "./apply_model.ts";
import { type DeviceOptions, openDevice } from "./open_device.ts";
import type { ResidentData } from "./resident_data.ts";
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
 * @param inputs `[samples, ...inputShape]`: the `x` of a data set, or arrays made with `arrays`.
 * @param options Batch size, device.
 * @returns Outputs for every sample, in order.
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
export async function predict(
  model: Model,
  inputs: StoredInputs,
  options: PredictOptions = {},
): Promise<Predictions> {
  const { batchSize = 1024 } = options;
  if (!Number.isInteger(batchSize) || batchSize < 1) {
    throw new RangeError(
      `Cannot predict as batchSize must be a whole number from 1: received ${batchSize}`,
    );
  }
  await settled(model);
  const samples = inputs.shape[0];
  const shape = [samples, ...model.outputShape];
  const data = new Float32Array(sizeOf(shape));
  const { device, owned } = await openDevice(options, Math.ceil(samples / batchSize));
  const run = new Run(device, owned, { seed: 0, samples });
  const plans = new Map<number, Executable>();
  try {
    run.addModel(model);
    const resident = run.load(withoutTargets(inputs), "inputs");
    for (let start = 0; start < samples; start += batchSize) {
      const count = Math.min(batchSize, samples - start);
      const executable = plans.get(count) ?? prepare(run, model, resident, count);
      plans.set(count, executable);
      run.place(start);
      await executable.run(run.scalarValues(executable));
      data.set(await executable.read(0), start * sizeOf(model.outputShape));
    }
    return { data, shape };
  } finally {
    for (const executable of plans.values()) executable.dispose();
    await run.finish();
  }
}

function prepare(run: Run, model: Model, resident: ResidentData, count: number): Executable {
  const { x } = resident.batch(count);
  return run.prepare([applyModel(run, model, run.weightTable.leaves, x, false).outputs], 0);
}

/** A data set needs targets; these are never read. */
function withoutTargets(inputs: StoredInputs): DataSet {
  const samples = inputs.shape[0];
  return { x: inputs, y: { data: new Uint8Array(samples), shape: [samples] } };
}
