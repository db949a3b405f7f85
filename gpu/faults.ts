import { DisposedError, KernelError } from "../core/graph/errors.ts";

/**
 * Keeps the first thing that went wrong on a device, as WebGPU reports most errors later and to
 * nobody: zeros come out and the program goes on.
 */
export class Faults {
  #first: Error | null = null;
  #disposed = false;
  /** Judgement of all that was watched so far, in order: the cause comes before what it causes. */
  #judged: Promise<void> = Promise.resolve();

  /** @param device Device whose errors are kept. */
  constructor(private readonly device: GPUDevice) {
    device.addEventListener("uncapturederror", (event) => {
      const { message } = (event as GPUUncapturedErrorEvent).error;
      this.record(new KernelError(`WebGPU refused a command: ${message}`));
    });
    device.lost.then(({ reason, message }) => {
      if (this.#disposed) return;
      this.record(
        new KernelError(
          `The GPU was lost (${reason}): ${message || "no message"}; start again from the last ` +
            "checkpoint on a new device",
        ),
      );
    });
  }

  /** Keeps `error` if it is the first. */
  record(error: Error): void {
    this.#first ??= error;
  }

  /** From now on the device may go away without an error. */
  dispose(): void {
    this.#disposed = true;
  }

  /**
   * Throws what went wrong so far.
   *
   * @throws {DisposedError} after the device was disposed of.
   * @throws {KernelError} when WebGPU has reported an error.
   */
  check(): void {
    if (this.#disposed) {
      throw new DisposedError("Cannot use a WebGPU device after its disposal: open another");
    }
    if (this.#first) throw this.#first;
  }

  /** Runs `action` and keeps what WebGPU's validation or memory says to it. */
  watch<Result>(
    action: () => Result,
    describe: (message: string) => Promise<Error> | Error,
  ): Result {
    this.device.pushErrorScope("out-of-memory");
    this.device.pushErrorScope("validation");
    try {
      return action();
    } finally {
      const scopes = [this.device.popErrorScope(), this.device.popErrorScope()];
      this.#judged = this.#judged.then(() => this.#settle(scopes, describe));
    }
  }

  /** Waits until all that was watched has been judged, then throws as {@link Faults.check}. */
  async settled(): Promise<void> {
    await this.#judged;
    this.check();
  }

  async #settle(
    scopes: Promise<GPUError | null>[],
    describe: (message: string) => Promise<Error> | Error,
  ): Promise<void> {
    try {
      for (const error of await Promise.all(scopes)) {
        if (error) this.record(await describe(error.message));
      }
    } catch (error) {
      // Scopes of a lost device may reject; the loss is recorded by itself.
      if (!this.#disposed) this.record(new KernelError(`WebGPU failed: ${error}`));
    }
  }
}
