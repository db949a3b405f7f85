import { Observable as Stream, type Subscriber } from "rxjs";
import { withReader } from "../graph/reader.ts";
import type { Observable } from "../nn/rxjs_types.ts";
import type { Feed } from "./feed.ts";
import { Frame } from "./frame.ts";
import { allReturned } from "./held_weight.ts";
import { type DeviceOptions, openDevice } from "./open_device.ts";
import { type RunListener, runListeners } from "./run_listeners.ts";
import { Permits } from "./permits.ts";
import { Run } from "./run.ts";
import type { BatchTensors } from "./resident_data.ts";
import { resumedRun, startOf } from "./resumed_run.ts";
import type { RunSettings } from "./saved_run.ts";
import { type AnyBatch, Batch } from "./stages.ts";
import { warnOfShuffledStates } from "./state_warning.ts";
import { Turns } from "./yield_to_events.ts";

/** What a source must know of its run. */
export interface SourceSettings extends DeviceOptions {
  /** What a resumed run must have been started with. */
  readonly run: RunSettings;
  /** Epochs, from 0. */
  readonly epochs: number;
  /** Batches of a rehearsal; `undefined` when it is none. */
  readonly rehearsal: number | undefined;
  /** The file of a run that goes on. */
  readonly resume: string | undefined;
}

/** A stream of batches: each subscription is a run, with a feed of its own. */
export function batchesOf(settings: SourceSettings, feed: () => Feed): Observable<AnyBatch> {
  return new Stream<AnyBatch>((subscriber) => {
    const source = new Source(feed(), settings, subscriber, runListeners());
    void source.start();
    return () => source.stop();
  });
}

/** Sends batches down the pipe, one for each permit, and has each step run behind it. */
class Source {
  #run: Run | undefined;
  #stopped = false;
  /** True once there are no more batches. */
  #ended = false;
  #step = 0;
  #sending = false;
  #awaited = 0;
  #checked = false;
  readonly #turns = new Turns();
  #permits = new Permits(() => 1);

  constructor(
    private readonly feed: Feed,
    private readonly settings: SourceSettings,
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
      this.feed.open(this.#run, () => this.#settle(this.#run!));
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
      for (let epoch = first; epoch <= last && !this.#stopped && !this.#ended; epoch++) {
        await this.#runEpoch(this.#run, epoch, epoch === first ? done : 0);
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
    if (!this.#checked && !this.#stopped) {
      run.checkResumed();
      if (this.settings.run.shuffle) warnOfShuffledStates(run.weightTable.leaves.keys());
    }
    this.#checked = true;
  }

  /** Steps of the whole run. */
  get #steps(): number {
    return this.settings.epochs * this.feed.stepsPerEpoch;
  }

  stop(): void {
    if (this.#stopped) return;
    this.#stopped = true;
    this.#turns.stop();
    this.#permits.open();
    this.feed.close();
    // An operator such as take() leaves while its last step is on the way: that step still runs.
    if (!this.#sending) this.#run?.close();
  }

  /** Steps of an epoch, after the first `done`. */
  async #runEpoch(run: Run, epoch: number, done: number): Promise<void> {
    const { stepsPerEpoch } = this.feed;
    for (let index = done; index < stepsPerEpoch && !this.#stopped; index++) {
      // On the CPU it costs nothing to look; the batch that did it is still there.
      if (this.feed.isOnline && run.device.stepsInFlight === 1) await run.collector.collect();
      const fed = this.feed.next(epoch, index);
      const batch = fed instanceof Promise ? await this.#permits.unlessFailed(fed) : fed;
      if (this.#stopped) return;
      if (!batch) {
        this.#ended = true;
        break;
      }
      if (index === 0) run.collector.reset();
      const frame = new Frame(run, {
        epoch,
        step: ++this.#step,
        stepInEpoch: index + 1,
        stepsPerEpoch,
        samples: batch.samples,
        start: batch.start,
      });
      this.#send(run, batch.tensors, frame);
      if (run.collector.full) await run.collector.collect();
      if (run.saver.isWanted) await this.#pause(run);
      if (frame.alone) await this.#permits.waitForAll();
      else if (this.#permits.exhausted) await this.#permits.wait();
      const turn = this.#turns.due();
      if (turn) await turn;
    }
    await this.#pause(run);
  }

  /** Waits until nothing is under way and all values are known. */
  async #settle(run: Run): Promise<void> {
    await this.#permits.waitForAll();
    if (!this.#stopped) await run.collector.collect();
  }

  /** Waits for all that is held, then does what was put off until no step is under way. */
  async #pause(run: Run): Promise<void> {
    await this.#permits.waitForAll();
    if (!this.#stopped) await run.saver.write();
  }

  #send(run: Run, { x, y, sampleWeight }: BatchTensors, frame: Frame): void {
    run.frame = frame;
    run.epochGiven = false;
    this.#sending = true;
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
    frame.holdLate = this.#holdLate;
  }

  readonly #holdLate = (promise: Promise<unknown>): void => {
    this.#await([promise]);
    this.#permits.take([promise]);
  };

  /** Counts the steps whose holds have not settled; the device's own work is none of them. */
  #await(holds: readonly Promise<unknown>[]): void {
    if (holds.length === 0) return;
    this.#awaited++;
    void Promise.allSettled(holds).then(() => this.#awaited--);
  }
}
