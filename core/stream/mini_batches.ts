import type { DataSet, Inputs, StoredInputs, StoredTargets, Targets } from "../../data/data_set.ts";
import type { Observable } from "../nn/rxjs_types.ts";
import { batchSettings } from "./batch_settings.ts";
import { DataSetFeed } from "./data_set_feed.ts";
import type { DeviceOptions } from "./open_device.ts";
import type { TensorsFor } from "./resident_data.ts";
import { batchesOf } from "./source.ts";
import type { Batch } from "./stages.ts";

/** Options of {@link miniBatches}. */
export interface MiniBatchesOptions extends DeviceOptions {
  /** Samples in a batch, from 1; default 32. */
  readonly batchSize?: number;
  /**
   * Epochs, from 0: times that every sample is visited; default 1, `Infinity` for no end. Of 0 the
   * stream completes without an event, and weights stay as they are.
   */
  readonly epochs?: number;
  /** Seed of shuffles and masks, a whole number from 0; default 0. */
  readonly seed?: number;
  /** Whether each epoch visits the samples in a new order; default true. */
  readonly shuffle?: boolean;
  /** Whether a last batch that is not full is left out; default false, as in Keras. */
  readonly dropRemainder?: boolean;
  /**
   * Steps of an epoch, from 1: the next one goes on where it stopped, and the order is new when all
   * samples were visited. With it validation, checkpoints and whatever else comes with an epoch come
   * every so many steps. By default an epoch is a pass over the data.
   */
  readonly stepsPerEpoch?: number;
  /** The first batches of each pass, so many from 1, or this share of them below 1; default all. */
  readonly limitBatches?: number;
  /** So many batches of the first pass, from 1, again and again: a network that is right learns them. */
  readonly overfitBatches?: number;
  /**
   * Whether the pipe is tried: one batch (or so many) of training and of validation, for one epoch,
   * and no file is written; default false.
   */
  readonly fastDevRun?: boolean | number;
  /**
   * A file that {@link checkpoint} has written: its run goes on to the same bits, if pipe, data,
   * options and kind of device are the same; `epochs` and threads may be others. Times are not kept.
   * (On `reference`, whose states are float64, to float32's precision.) Needs `--allow-read`.
   */
  readonly resume?: string;
}

/**
 * The source of every pipe: a data set as a stream of mini-batches. Each subscriber starts a run
 * of its own: a device is opened, the data are put on it once, and unsubscribing frees everything
 * and gives the weights back to their models.
 *
 * A batch is sent when a permit is free; it gives its permit back when the chain below has
 * returned and every promise that an operator put on it (`step.hold`) has settled. A slow consumer
 * makes training slower; it never makes memory grow. The next epoch waits for all holds of the
 * last.
 *
 * @param dataSet Inputs and targets, at least one sample; by name for a model of several inputs or
 * outputs, and then `step.x` and `step.y` are records of tensors.
 * @param options Batch size, epochs, seed, device.
 * @returns Batches; errors of the device and of held promises come on the error channel.
 * @throws {RangeError} when an option is out of range.
 * @throws {DataError} when arrays by name differ in their number of samples.
 *
 * @example
 * ```ts
 * import { arrays, miniBatches } from "@millrace/millrace";
 * import { lastValueFrom, toArray } from "rxjs";
 * import assert from "node:assert/strict";
 *
 * const data = arrays([[1], [2], [3]], [[2], [4], [6]]);
 * const batches = await lastValueFrom(
 *   miniBatches(data, { batchSize: 2, device: "cpu", threads: 1 }).pipe(toArray()),
 * );
 * assert.deepEqual(batches.map(({ samples }) => samples), [2, 1]);
 * ```
 */
export function miniBatches<
  X extends Inputs = StoredInputs,
  Y extends Targets = StoredTargets,
>(
  dataSet: DataSet<X, Y>,
  options: MiniBatchesOptions = {},
): Observable<Batch<TensorsFor<X>, TensorsFor<Y>>> {
  const settings = batchSettings(dataSet, options);
  const batches = batchesOf(settings, () => new DataSetFeed(dataSet, settings));
  return batches as Observable<Batch<TensorsFor<X>, TensorsFor<Y>>>;
}
