/** Lets a stream of training steps be measured window by window. */

import type { Observable, Subscription } from "rxjs";
import type { Device } from "../../core/graph/device.ts";
import type { PreparedRun } from "./peer.ts";

/** What is needed of a step that has been updated. */
export interface MeasuredStep {
  /** The loss; `data` reads it back. */
  readonly loss: { data(): Promise<ArrayLike<number>> };
  /** Keeps the step's permit until the promise has settled. */
  hold(promise: Promise<unknown>): void;
}

/**
 * A device and a stream of steps on it, measured window by window: the steps of a window follow each
 * other as they would without a measurement, and none begins before its window is asked for.
 */
export class StreamWindows implements PreparedRun {
  /** The device for the stream: it has no room for a step between two windows. */
  readonly device: Device;
  #taken = 0;
  #end = 0;
  #finished = Promise.withResolvers<number>();
  #opened = Promise.withResolvers<void>();
  #subscription: Subscription | undefined;

  /**
   * Subscribes at the first window.
   *
   * @param device Where the steps run.
   * @param stream Makes the steps, updated, on the device it is given.
   */
  constructor(
    device: Device,
    private readonly stream: (device: Device) => Observable<MeasuredStep>,
  ) {
    const stepsInFlight = () => this.#taken < this.#end ? device.stepsInFlight : 0;
    this.device = {
      type: device.type,
      name: device.name,
      threads: device.threads,
      get stepsInFlight() {
        return stepsInFlight();
      },
      allocate: (...given) => device.allocate(...given),
      prepare: (...given) => device.prepare(...given),
      measureCeilings: () => device.measureCeilings(),
      idle: () => device.idle(),
      dispose: () => device.dispose(),
      [Symbol.dispose]: () => device.dispose(),
    };
  }

  /** See {@link PreparedRun.run}; the last step's loss, once it is read, ends the window. */
  run(first: number, count: number): Promise<number> {
    const [gate, started] = [this.#opened, this.#end > 0];
    this.#finished = Promise.withResolvers();
    this.#opened = Promise.withResolvers();
    this.#end = first + count;
    // The source waits for the permit of the last window's last step.
    if (started) gate.resolve();
    else {
      this.#subscription = this.stream(this.device).subscribe({
        next: (step) => this.#next(step),
        error: (reason) => this.#finished.reject(reason),
      });
    }
    return this.#finished.promise;
  }

  /** Ends the stream, which gives back what it has on the device. */
  stop(): void {
    this.#subscription?.unsubscribe();
  }

  #next(step: MeasuredStep): void {
    this.#taken += 1;
    if (this.#taken < this.#end) return;
    step.hold(this.#opened.promise);
    const { resolve, reject } = this.#finished;
    step.loss.data().then((loss) => resolve(loss[0]), reject);
  }
}
