import { Observable as Stream, type Subscriber } from "rxjs";
import type {
  AnyDataSet,
  DataSet,
  Inputs,
  StoredInputs,
  StoredTargets,
  Targets,
} from "../../data/data_set.ts";
import { withReader } from "../graph/reader.ts";
import type { Observable } from "../nn/rxjs_types.ts";
import { permutation } from "../state/permutation.ts";
import { type BatchSettings, batchSettings } from "./batch_settings.ts";
import { Frame } from "./frame.ts";
import { allReturned } from "./held_weight.ts";
import { type DeviceOptions, openDevice } from "./open_device.ts";
import { type RunListener, runListeners } from "./run_listeners.ts";
import { Permits } from "./permits.ts";
import { Run } from "./run.ts";
import type { LoadedData, TensorsFor } from "./resident_data.ts";
import { resumedRun, startOf } from "./resumed_run.ts";
import { type AnyBatch, Batch } from "./stages.ts";
import { Turns } from "./yield_to_events.ts";

/** Options of {@link miniBatches}. */
export interface MiniBatchesOptions extends DeviceOptions {
  /** Samples in a batch, from 1; default 32. */
  readonly batchSize?: number;
  /** Epochs, from 0: times that every sample is visited; default 1, `Infinity` for no end. */
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
  const batches = new Stream<AnyBatch>((subscriber) => {
    const source = new Source(dataSet, settings, subscriber, runListeners());
    void source.start();
    return () => source.stop();
  });
  return batches as Observable<Batch<TensorsFor<X>, TensorsFor<Y>>>;
}

class Source {
  #run: Run | undefined;
  #stopped = false;
  #step = 0;
  #sending = false;
  #awaited = 0;
  #checked = false;
  /** The pass over the data whose order the samples have. */
  #pass: number | undefined;
  readonly #turns = new Turns();
  #permits = new Permits(() => 1);

  constructor(
    private readonly dataSet: AnyDataSet,
    private readonly settings: BatchSettings,
    private readonly subscriber: Subscriber<AnyBatch>,
    private readonly listeners: readonly RunListener[],
  ) {}

  async start(): Promise<void> {
    try {
      const { run: settings, resume } = this.settings;
      const saved = await resumedRun(settings, resume);
      const { device, owned } = await openDevice(this.settings, this.#steps);
      // A run that was left a moment ago may not have given its weights back yet.
      await allReturned();
      if (this.#stopped) {
        if (owned) device.dispose();
        return;
      }
      this.#permits = new Permits(() => device.stepsInFlight);
      this.#run = new Run(device, owned, settings, saved);
      this.#run.epochs = this.settings.epochs;
      this.#run.rehearsal = this.settings.rehearsal;
      this.#run.quiet = () => !this.#sending && (this.#awaited === 0 || this.#run!.epochGiven);
      const data = this.#run.load(this.dataSet, "training", settings.batchSize);
      for (const listener of this.listeners) {
        // One of them may have refused the run.
        if (!this.#stopped) listener(this.#run);
      }
      if (this.#stopped) return;
      const { epoch: first, stepInEpoch: done } = startOf(saved);
      this.#step = saved?.position.step ?? 0;
      if (this.#run.saver.isWanted) await this.#pause(this.#run);
      // One that had ended when it was saved ends again: an operator has said why.
      const last = this.#run.reason === undefined ? this.settings.epochs : 0;
      for (let epoch = first; epoch <= last && !this.#stopped; epoch++) {
        await this.#runEpoch(this.#run, data, epoch, epoch === first ? done : 0);
      }
      this.#checkResumed(this.#run);
      if (!this.#stopped) await this.#run.collector.collect();
      if (!this.#stopped) await this.#run.weightTable.synchronize();
      if (!this.#stopped) await device.idle();
      this.subscriber.complete();
    } catch (error) {
      if (this.#run && !this.#stopped) this.#run.reason = "error";
      this.subscriber.error(error);
    }
  }

  /** Once, and when a step has gone down: operators below a `share` meet the run with it. */
  #checkResumed(run: Run): void {
    if (!this.#checked && !this.#stopped) run.checkResumed();
    this.#checked = true;
  }

  /** Steps of the whole run. */
  get #steps(): number {
    return this.settings.epochs * this.settings.walk.stepsPerEpoch;
  }

  stop(): void {
    if (this.#stopped) return;
    this.#stopped = true;
    this.#turns.stop();
    this.#permits.open();
    // An operator such as take() leaves while its last step is on the way: that step still runs.
    if (!this.#sending) this.#run?.close();
  }

  /** Steps of an epoch, after the first `done`. */
  async #runEpoch(run: Run, data: LoadedData, epoch: number, done: number): Promise<void> {
    const { walk } = this.settings;
    const { stepsPerEpoch } = walk;
    for (let index = done; index < stepsPerEpoch && !this.#stopped; index++) {
      const { pass, start, samples } = walk.place(epoch, index);
      if (pass !== this.#pass) await this.#begin(pass, data, run);
      const awaited = data.bring(start);
      if (awaited) await awaited;
      if (this.#stopped) return;
      if (index === 0) run.collector.reset();
      const frame = new Frame(run, {
        epoch,
        step: ++this.#step,
        stepInEpoch: index + 1,
        stepsPerEpoch,
        samples,
        start,
      });
      this.#send(run, data, frame);
      if (run.collector.full) await run.collector.collect();
      if (run.saver.isWanted) await this.#pause(run);
      if (frame.alone) await this.#permits.waitForAll();
      else if (this.#permits.exhausted) await this.#permits.wait();
      const turn = this.#turns.due();
      if (turn) await turn;
    }
    await this.#pause(run);
  }

  /** Puts the samples in the order of a pass; a batch that is looked into is one of the last. */
  async #begin(pass: number, data: LoadedData, run: Run): Promise<void> {
    const { seed, shuffle } = this.settings.run;
    if (shuffle && this.#pass !== undefined) {
      await this.#permits.waitForAll();
      if (this.#stopped) return;
      await run.collector.collect();
      if (this.#stopped) return;
    }
    this.#pass = pass;
    if (shuffle) data.setOrder(permutation(data.samples, seed, pass));
  }

  /** Waits for all that is held, then does what was put off until no step is under way. */
  async #pause(run: Run): Promise<void> {
    await this.#permits.waitForAll();
    if (!this.#stopped) await run.saver.write();
  }

  #send(run: Run, data: LoadedData, frame: Frame): void {
    run.frame = frame;
    run.epochGiven = false;
    this.#sending = true;
    const { x, y, sampleWeight } = data.batch(frame.samples);
    withReader((tensor) => frame.read(tensor), () => {
      this.subscriber.next(new Batch(frame, x, y, sampleWeight));
    });
    frame.close();
    this.#await(frame.holds);
    try {
      this.#checkResumed(run);
      const done = run.execute(frame);
      if (done) frame.hold(done);
      frame.finish();
    } catch (error) {
      frame.finish(error);
      if (!this.#stopped) throw error;
    } finally {
      this.#sending = false;
    }
    if (this.#stopped) {
      run.close();
      return;
    }
    // Far fewer waits than steps: the update is guarded, so a NaN may be seen late.
    if (frame.step % 256 === 0) frame.hold(run.collector.collect());
    this.#permits.take(frame.holds);
  }

  /** Counts the steps whose holds have not settled; the device's own work is none of them. */
  #await(holds: readonly Promise<unknown>[]): void {
    if (holds.length === 0) return;
    this.#awaited++;
    void Promise.allSettled(holds).then(() => this.#awaited--);
  }
}
