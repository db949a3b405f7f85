import type {
  AnyDataSet,
  DataSet,
  Inputs,
  StoredInputs,
  StoredTargets,
  Targets,
} from "../../data/data_set.ts";
import { checkCount } from "../nn/check_count.ts";
import type { Observable } from "../nn/rxjs_types.ts";
import { received } from "../state/received.ts";
import { BatchQueue } from "./batch_queue.ts";
import { OnlineFeed } from "./online_feed.ts";
import type { DeviceOptions } from "./open_device.ts";
import type { TensorsFor } from "./resident_data.ts";
import { batchesOf } from "./source.ts";
import type { Batch } from "./stages.ts";

/** Options of {@link batchesFrom}. */
export interface BatchesFromOptions extends DeviceOptions {
  /**
   * Samples of the largest batch, from 1; by default those of the first one. Others may have fewer;
   * each number of samples has a plan of its own.
   */
  readonly batchSize?: number;
  /**
   * Steps of an epoch, from 1: validation, checkpoints and whatever else comes with an epoch come
   * every so many steps; default 1,000.
   */
  readonly stepsPerEpoch?: number;
  /** Seed of masks, a whole number from 0; default 0. */
  readonly seed?: number;
  /** Batches of an observable that may wait for the steps before them, from 1; default 1,024. */
  readonly maxWaiting?: number;
  /**
   * A file that `checkpoint` has written: weights, states and counts of its run go on, with the
   * batches that come now. Needs `--allow-read`.
   */
  readonly resume?: string;
}

/** What gives batches: an observable, an async generator, a list; each a small data set. */
export type BatchInput<X extends Inputs, Y extends Targets> =
  | Observable<DataSet<X, Y>>
  | AsyncIterable<DataSet<X, Y>>
  | Iterable<DataSet<X, Y>>;

/**
 * The source of a pipe whose data come while it trains: measurements, games that the present
 * weights play, batches that are chosen by their loss. In the place of {@link miniBatches}.
 *
 * An async generator is asked for a batch when the step before it has been sent, so that what it
 * asks of the model (`predict`, an open model, `settled`) is answered with the weights after that
 * step. What an observable sends waits its turn; where more than `maxWaiting` wait, the run ends
 * with an error, as memory would grow. The run ends when the input does; unsubscribing leaves it.
 *
 * @param input Batches, each a data set such as {@link arrays} makes, of one shape and type; or a
 * function that gives them, which each subscription calls, as an async generator can be used once.
 * @param options Largest batch, steps of an epoch, device.
 * @returns Batches; errors of the input come on the error channel. `epochs` gives whole epochs only:
 * steps after the last one have none.
 * @throws {RangeError} when an option is out of range.
 *
 * @example
 * ```ts
 * import {
 *   arrays, backward, batchesFrom, dense, forward, input, loss, meanSquaredError, sequential, sgd,
 *   update,
 * } from "@millrace/millrace";
 * import { bufferCount, from, lastValueFrom, map } from "rxjs";
 * import assert from "node:assert/strict";
 *
 * const measured = from(Array.from({ length: 400 }, (_, time) => [Math.sin(time), 3 * Math.sin(time)]));
 * const batches = measured.pipe(
 *   bufferCount(4),
 *   map((pairs) => arrays(pairs.map(([x]) => [x]), pairs.map(([, y]) => [y]))),
 * );
 * const model = sequential([input([1]), dense(1)]);
 * const steps = batchesFrom(batches, { device: "cpu", threads: 1 }).pipe(
 *   forward(model),
 *   loss(meanSquaredError()),
 *   backward(),
 *   update(sgd({ learningRate: 0.3 })),
 * );
 * assert.equal((await lastValueFrom(steps)).step, 100);
 * assert.ok(Math.abs(model.parameters[0].value[0] - 3) < 0.01);
 * ```
 *
 * PyTorch: `IterableDataset`. Keras: `fit` with a generator.
 */
export function batchesFrom<
  X extends Inputs = StoredInputs,
  Y extends Targets = StoredTargets,
>(
  input: BatchInput<X, Y> | (() => BatchInput<X, Y>),
  options: BatchesFromOptions = {},
): Observable<Batch<TensorsFor<X>, TensorsFor<Y>>> {
  if (typeof input !== "function") checkInput(input);
  const { batchSize, stepsPerEpoch = 1000, seed = 0, maxWaiting = 1024, resume } = options;
  if (batchSize !== undefined) checkCount("batchSize of batchesFrom", batchSize, 1);
  checkCount("stepsPerEpoch of batchesFrom", stepsPerEpoch, 1);
  checkCount("maxWaiting of batchesFrom", maxWaiting, 1);
  checkCount("seed of batchesFrom", seed);
  const run = {
    seed,
    batchSize: 0,
    shuffle: false,
    dropRemainder: false,
    samples: 0,
    stepsPerEpoch,
  };
  const { device, threads, dtypePolicy } = options;
  const settings = {
    run: dtypePolicy === undefined || dtypePolicy === "float32" ? run : { ...run, dtypePolicy },
    epochs: Infinity,
    rehearsal: undefined,
    resume,
    device,
    threads,
    dtypePolicy,
  };
  const batches = batchesOf(settings, () => {
    const given = typeof input === "function" ? input() : input;
    checkInput(given);
    const queue = new BatchQueue<AnyDataSet>(given as BatchInput<Inputs, Targets>, maxWaiting);
    return new OnlineFeed(queue, stepsPerEpoch, batchSize);
  });
  return batches as Observable<Batch<TensorsFor<X>, TensorsFor<Y>>>;
}

function checkInput(input: unknown): void {
  if (typeof input === "object" && input !== null) return;
  throw new TypeError(
    `Cannot make batches as batchesFrom takes an observable or an async generator of data sets, or ` +
      `a function that gives one: received ${received(input)}`,
  );
}
