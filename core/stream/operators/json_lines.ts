import { Observable, type Subscriber } from "rxjs";
import { received } from "../../state/received.ts";
import type { MonoTypeOperatorFunction } from "../../nn/rxjs_types.ts";
import { checkCount } from "../../nn/check_count.ts";
import type { EndReason, Epoch, RunControl } from "../epoch.ts";
import { type AnyBatch, Batch } from "../stages.ts";
import { follow } from "./follow.ts";
import { jsonText } from "./json_text.ts";
import { LineQueue, type LineWriter } from "./line_queue.ts";
import { SharedBelow } from "./shared_below.ts";

export type { LineWriter };

/** Options of {@link jsonLines}. */
export interface JsonLinesOptions {
  /** Steps from one step event to the next, from 0, which means none; default 100. */
  readonly every?: number;
}

/**
 * Writes what happens in a run as JSON, one text a line.
 *
 * Among steps it writes the `start` event and a `step` event now and then; among epochs, `start`
 * unless that was done, an `epoch` event each, and `end` with the reason: `completed`,
 * `early_stopping`, `interrupted` (also when it is unsubscribed) or `error`, with a message where
 * there is one. A pipe may hold both for one writer, and the lines keep their order. Values of a step are written when
 * they are known: no step waits for them. Numbers that are not finite become `"NaN"`, `"Infinity"`
 * and `"-Infinity"`.
 *
 * When the reader closes the pipe (`| head -1`) the stream completes quietly, as `interrupted`.
 * Put it below `checkpoint`, so that `end` comes after the last weights are saved.
 *
 * @param writer Where to; `Deno.stdout`, or a file opened for writing.
 * @param options How often steps are written.
 * @returns An operator on steps or on epochs, which it passes on as they are.
 * @throws {RangeError} when `every` is not a whole number from 0.
 * @throws {TypeError} when there is no such writer. What the writer throws while the run goes on is
 * the cause of an error on the error channel.
 *
 * @example
 * ```ts
 * import { type Epoch, jsonLines } from "@millrace/millrace";
 * import { lastValueFrom, of } from "rxjs";
 * import assert from "node:assert/strict";
 *
 * let text = "";
 * const writer = {
 *   writeSync(bytes: Uint8Array): number {
 *     text += new TextDecoder().decode(bytes);
 *     return bytes.length;
 *   },
 * };
 * const epoch = { epoch: 1, step: 9, logs: { loss: NaN }, run: { announced: true } };
 * await lastValueFrom(of(epoch as unknown as Epoch).pipe(jsonLines(writer)));
 * assert.match(text, /^{"event":"epoch","epoch":1,"step":9,"loss":"NaN"}\n{"event":"end",/);
 * ```
 *
 * Source: newline-delimited JSON (RFC 8259, one text a line, UTF-8). Keras has no such callback.
 */
export function jsonLines<Event extends AnyBatch | Epoch = Epoch>(
  writer: LineWriter,
  options: JsonLinesOptions = {},
): MonoTypeOperatorFunction<Event> {
  const every = checkCount("every of jsonLines", options.every ?? 100);
  if (typeof (writer as LineWriter | undefined)?.writeSync !== "function") {
    throw new TypeError(
      `Cannot write lines by jsonLines as it must be given a writer, as Deno.stdout or what ` +
        `Deno.openSync opens: received ${received(writer)}`,
    );
  }
  return (source) =>
    new Observable<Event>((subscriber) => new Log(writer, every, subscriber).follow(source));
}

/** The lines of each writer: the operator among epochs writes the end of both. */
const openings = new SharedBelow<LineWriter, LineQueue>();

/** The state of one subscription. */
class Log<Event extends AnyBatch | Epoch> {
  readonly #lines: LineQueue;
  /** Whether there is another one below, which will write the end. */
  readonly #inner: boolean;
  readonly #subscribe: (action: () => void) => void;
  readonly #started = performance.now();
  #onSteps = false;
  #ended = false;
  #epochs = 0;

  constructor(
    writer: LineWriter,
    private readonly every: number,
    private readonly subscriber: Subscriber<Event>,
  ) {
    const { shared, inner, subscribe } = openings.join(
      writer,
      () => new LineQueue(writer, "jsonLines"),
    );
    this.#lines = shared;
    this.#inner = inner;
    this.#subscribe = subscribe;
  }

  follow(source: Observable<Event>): void {
    this.subscriber.add(() => this.#leave());
    this.#subscribe(() => {
      follow(source, this.subscriber, {
        run: (run) => this.#meet(run),
        next: (event) => this.#guard(() => this.#next(event)),
        error: (error) =>
          this.#end("error", () => this.subscriber.error(error), {
            message: error instanceof Error ? error.message : String(error),
          }),
        complete: () => this.#end(undefined, () => this.subscriber.complete()),
      });
    });
  }

  /** The lowest of a pipe announces the run before its first step: all above it are known then. */
  #meet(run: RunControl): void {
    this.#lines.run = run;
    if (!this.#inner) this.#guard(() => this.#announce(run));
  }

  #next(event: Event): void {
    this.#announce(event.run);
    if (event instanceof Batch) this.#writeStep(event);
    else this.#writeEpoch(event);
    this.subscriber.next(event);
  }

  #announce(run: RunControl): void {
    if (run.announced) return;
    run.announced = true;
    const text = () => jsonText({ event: "start", ...run.describe() });
    if (!run.decided) {
      this.#lines.write(text());
      return;
    }
    // The first step tells on which device it runs; the lines after this one wait so long.
    const slot = this.#lines.reserve(text);
    void run.decided.then(() => this.#guard(() => this.#lines.settle(slot, slot.text ?? text())));
  }

  #writeStep(event: AnyBatch): void {
    this.#onSteps = true;
    if (this.every === 0 || event.step % this.every !== 0) return;
    const { epoch, step } = event;
    const slot = this.#lines.reserve();
    const settle = (text: string | null) => this.#guard(() => this.#lines.settle(slot, text));
    event.values().then(
      (values) => settle(jsonText({ event: "step", epoch, step, ...values })),
      // The run has ended, and says why elsewhere.
      () => settle(null),
    );
  }

  #writeEpoch({ epoch, step, logs, tables, seconds, samplesPerSecond }: Epoch): void {
    this.#epochs++;
    this.#lines.write(jsonText({
      event: "epoch",
      epoch,
      step,
      ...logs,
      ...tables,
      seconds,
      samples_per_second: samplesPerSecond,
    }));
  }

  /** Writes the end, unless this is among steps, and then passes it on. */
  #end(reason: EndReason | undefined, pass: () => void, more: { message?: string } = {}): void {
    const close = (): void => {
      if (this.#ended) return;
      this.#ended = true;
      this.#guard(() => {
        this.#writeEnd(reason ?? this.#lines.run?.reason ?? "completed", more);
        pass();
      });
    };
    if (!this.#writesEnd) pass();
    else if (this.#lines.waiting) {
      // Values that are known by now reach their lines in microtasks, before this. Others may
      // never be known.
      setTimeout(close, 0);
    } else close();
  }

  get #writesEnd(): boolean {
    return !this.#inner && !this.#onSteps;
  }

  #writeEnd(reason: EndReason, more: { message?: string } = {}): void {
    this.#lines.dropUnsettled();
    const message = this.#lines.run?.explanation;
    this.#lines.write(jsonText({
      event: "end",
      reason,
      epochs: this.#epochs,
      seconds: Math.round(performance.now() - this.#started) / 1000,
      ...(message === undefined ? {} : { message }),
      ...more,
    }));
  }

  #leave(): void {
    if (this.#ended) return;
    this.#ended = true;
    if (!this.#writesEnd) return;
    try {
      this.#writeEnd(this.#lines.run?.reason ?? "interrupted");
    } catch {
      // Whoever has unsubscribed hears nothing any more.
    }
  }

  #guard(action: () => void): void {
    try {
      action();
    } catch (error) {
      this.#lines.close();
      const { run } = this.#lines;
      if (!(error instanceof Deno.errors.BrokenPipe)) {
        if (run) run.reason = "error";
        this.subscriber.error(error);
        return;
      }
      if (run) run.reason ??= "interrupted";
      this.subscriber.complete();
    }
  }
}
