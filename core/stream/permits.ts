/** A few permits for steps under way; RxJS has no back-pressure of its own. */
export class Permits {
  #wake: (() => void) | undefined;
  #alarm: ((error: unknown) => void) | undefined;
  #failure: { error: unknown } | undefined;
  #held = 0;
  #opened = false;

  /** @param count Tells how many there are in all; they may become more. */
  constructor(private readonly count: () => number) {}

  /** True when the next step must wait, or one has failed. */
  get exhausted(): boolean {
    return this.#held >= this.count() || this.#failure !== undefined;
  }

  /** Takes a permit until all of `holds` have settled; without holds none is taken. */
  take(holds: readonly Promise<unknown>[]): void {
    if (holds.length === 0) return;
    this.#held++;
    const give = () => {
      this.#held--;
      this.#wake?.();
    };
    Promise.all(holds).then(give, (error) => {
      this.#failure ??= { error };
      this.#alarm?.(error);
      give();
    });
  }

  /** Settles when a permit is free; throws the error of a hold. */
  wait(): Promise<void> {
    return this.#until(() => this.#held < this.count());
  }

  /** Settles when all permits are back; throws the error of a hold. */
  waitForAll(): Promise<void> {
    return this.#until(() => this.#held === 0);
  }

  /** What `promise` gives; throws the error of a hold that fails before that. */
  unlessFailed<Value>(promise: Promise<Value>): Promise<Value> {
    // A race with one promise of a failure would leave something behind at every call.
    return new Promise((resolve, reject) => {
      this.#alarm = reject;
      if (this.#failure) reject(this.#failure.error);
      promise.then(resolve, reject);
    });
  }

  /** Lets everybody through: the run is over. */
  open(): void {
    this.#opened = true;
    this.#wake?.();
  }

  async #until(ready: () => boolean): Promise<void> {
    while (!ready() && !this.#opened && !this.#failure) {
      await new Promise<void>((resolve) => this.#wake = resolve);
    }
    this.#wake = undefined;
    if (this.#failure && !this.#opened) throw this.#failure.error;
  }
}
