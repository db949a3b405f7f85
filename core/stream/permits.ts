/** A few permits for steps under way; RxJS has no back-pressure of its own. */
export class Permits {
  #wake: (() => void) | undefined;
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
