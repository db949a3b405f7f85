import { from, type ObservableInput, type Subscription, takeWhile } from "rxjs";

/**
 * Values that are taken one by one. What can be asked for the next one, as an async generator, is
 * asked when it is wanted; what an observable sends waits, as many as there is room for.
 */
export class BatchQueue<Value> {
  readonly #waiting: Value[] = [];
  #iterator: AsyncIterator<Value> | Iterator<Value> | undefined;
  #subscription: Subscription | undefined;
  #ended = false;
  #failure: { readonly error: unknown } | undefined;
  #wake: (() => void) | undefined;

  /**
   * @param input Where they come from.
   * @param most Values of an observable that may wait.
   */
  constructor(private readonly input: ObservableInput<Value>, private readonly most: number) {}

  /** Begins to listen, if it is an observable or a promise. */
  open(): void {
    const input = this.input as Partial<AsyncIterable<Value> & Iterable<Value>>;
    this.#iterator = input[Symbol.asyncIterator]?.() ?? input[Symbol.iterator]?.();
    if (this.#iterator) return;
    // One that sends without end in a single turn is left only so.
    const wanted = from(this.input).pipe(takeWhile(() => !this.#ended));
    this.#subscription = wanted.subscribe({
      next: (value) => this.#add(value),
      error: (error) => this.#end({ error }),
      complete: () => this.#end(),
    });
  }

  /** The next value; nothing where there is none any more, or the queue has been closed. */
  async next(): Promise<{ readonly value: Value } | undefined> {
    if (this.#iterator) return await this.#pull(this.#iterator);
    while (this.#waiting.length === 0 && !this.#ended) {
      await new Promise<void>((resolve) => this.#wake = resolve);
    }
    // What was sent before an error is trained on before it.
    if (this.#waiting.length > 0) return { value: this.#waiting.shift()! };
    if (this.#failure) throw this.#failure.error;
  }

  /** Leaves what gives the values, and whoever waits gets none. */
  close(): void {
    if (!this.#ended) void this.#leave().catch(() => {});
    this.#waiting.length = 0;
    this.#end();
    this.#subscription?.unsubscribe();
  }

  async #pull(
    iterator: AsyncIterator<Value> | Iterator<Value>,
  ): Promise<{ readonly value: Value } | undefined> {
    if (this.#ended) return undefined;
    const left = new Promise<undefined>((resolve) => this.#wake = () => resolve(undefined));
    const result = await Promise.race([iterator.next(), left]);
    if (result && !result.done) return { value: result.value };
    this.#ended = true;
  }

  async #leave(): Promise<void> {
    await this.#iterator?.return?.();
  }

  #add(value: Value): void {
    if (this.#waiting.length === this.most) {
      this.#subscription?.unsubscribe();
      this.#waiting.length = 0;
      return this.#end({
        error: new RangeError(
          `Cannot keep more than ${this.most} batches waiting as training is slower than what sends ` +
            `them: leave some out (sampleTime, throttleTime), give an async generator, which is ` +
            `asked for the next one, or let more wait by maxWaiting`,
        ),
      });
    }
    this.#waiting.push(value);
    this.#wake?.();
  }

  #end(failure?: { readonly error: unknown }): void {
    if (!this.#ended) this.#failure = failure;
    this.#ended = true;
    this.#wake?.();
  }
}
