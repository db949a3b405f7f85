import { KernelError } from "../core/graph/errors.ts";
import type { Faults } from "./faults.ts";
import type { Resources } from "./resources.ts";

/** Steps that go into one submit at most. */
export const stepsPerSubmit = 64;

/** What the queue asks of a program whose steps it holds. */
export interface QueuedProgram {
  /** Uploads the scalars of the steps queued since the last submit. */
  upload(): void;
  /** Whether copies of states are made before each step. */
  readonly hasMirrors: boolean;
  /** Encodes these copies. */
  encodeMirrors(encoder: GPUCommandEncoder): void;
  /** Encodes the step whose scalars are in `slot`. */
  encode(pass: GPUComputePassEncoder, slot: number): void;
  /** Encodes what follows a submit's steps: copies of recorded outputs. */
  encodeCopies(encoder: GPUCommandEncoder): void;
  /** After the submit. */
  submitted(): void;
}

/**
 * Gathers the steps of all programs of a device, in order, and gives them to the GPU many at a
 * time: one encoder, one compute pass, one submit.
 *
 * While the GPU is busy, steps wait until there are enough of them or it becomes idle.
 */
export class StepQueue {
  readonly #programs: QueuedProgram[] = [];
  readonly #slots: number[] = [];
  readonly #touched = new Set<QueuedProgram>();
  readonly #submits = new Set<Promise<void>>();
  #finished: PromiseWithResolvers<void> | null = null;
  #scheduled = false;

  /** @param resources The device. @param faults Its errors. */
  constructor(private readonly resources: Resources, private readonly faults: Faults) {}

  /** Steps that wait. */
  get length(): number {
    return this.#programs.length;
  }

  /** Queues the step of `program` in `slot`; the promise is shared by all steps of a submit. */
  add(program: QueuedProgram, slot: number): Promise<void> {
    this.#programs.push(program);
    this.#slots.push(slot);
    this.#touched.add(program);
    if (!this.#finished) {
      this.#finished = Promise.withResolvers<void>();
      // Whoever waits sees the error; so does the next call of the device.
      this.#finished.promise.catch(() => {});
    }
    const { promise } = this.#finished;
    if (this.length >= stepsPerSubmit) this.flush();
    else if (this.#submits.size === 0 && !this.#scheduled) {
      this.#scheduled = true;
      queueMicrotask(() => {
        this.#scheduled = false;
        this.flush();
      });
    }
    return promise;
  }

  /** Gives all waiting steps to the GPU now. */
  flush(): void {
    if (this.length === 0) return;
    const finished = this.#finished!;
    this.#finished = null;
    const { device, statistics } = this.resources;
    this.faults.watch(() => {
      for (const program of this.#touched) program.upload();
      const encoder = device.createCommandEncoder();
      let pass: GPUComputePassEncoder | null = null;
      for (let index = 0; index < this.#programs.length; index++) {
        const program = this.#programs[index];
        if (program.hasMirrors) {
          pass?.end();
          pass = null;
          program.encodeMirrors(encoder);
        }
        pass ??= encoder.beginComputePass();
        program.encode(pass, this.#slots[index]);
      }
      pass?.end();
      for (const program of this.#touched) program.encodeCopies(encoder);
      device.queue.submit([encoder.finish()]);
      statistics.submits++;
    }, (message) => new KernelError(`Cannot run queued steps: ${message}`));
    for (const program of this.#touched) program.submitted();
    this.#touched.clear();
    this.#programs.length = 0;
    this.#slots.length = 0;
    const submit = this.#await(finished);
    this.#submits.add(submit);
    submit.then(() => {
      this.#submits.delete(submit);
      if (this.#submits.size === 0) this.flush();
    });
  }

  /** Waits until the GPU has done all that it was given. */
  async idle(): Promise<void> {
    while (this.#submits.size > 0) await Promise.all(this.#submits);
  }

  async #await(finished: PromiseWithResolvers<void>): Promise<void> {
    try {
      await this.resources.device.queue.onSubmittedWorkDone();
      await this.faults.settled();
      finished.resolve();
    } catch (error) {
      finished.reject(error);
    }
  }
}
