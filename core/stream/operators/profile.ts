import { Observable, type Subscriber } from "rxjs";
import type { Ceilings } from "../../graph/profile.ts";
import { checkCount } from "../../nn/check_count.ts";
import type { MonoTypeOperatorFunction } from "../../nn/rxjs_types.ts";
import { checkWritable, writeFileAtomic } from "../../state/atomic_write.ts";
import { type ProfiledStep, summarize } from "../profile_summary.ts";
import { profileTable } from "../profile_table.ts";
import { encodeTrace, traceEvents } from "../profile_trace.ts";
import type { RunControl } from "../epoch.ts";
import { checkStage } from "../stage_order.ts";
import type { AnyBatch, Updated } from "../stages.ts";
import { follow } from "./follow.ts";
import { type LineWriter, writeText } from "./line_queue.ts";

/** Options of {@link profile}. */
export interface ProfileOptions {
  /**
   * Steps that are not timed, in which plans are made and code is compiled, for speed at last; by
   * default those of the first 0.1 s, and 50 at least, unless too few would be left of the run.
   */
  readonly warmUp?: number;
  /** Steps that are timed, from 1; default 50. */
  readonly steps?: number;
  /** Where the table goes; default `Deno.stderr`, as stdout is for data. */
  readonly output?: LineWriter;
  /**
   * A file for chrome://tracing and Perfetto; none by default. It is replaced as a whole, and whether
   * it may be written is found out before the first step.
   */
  readonly trace?: string;
}

/**
 * Says where the time of a training step goes: a table of its kernels, and a trace to look at.
 *
 * After the warm-up, in which code is not compiled for speed yet, a window of steps is timed kernel
 * by kernel and thread by thread while they train as ever, to the same bits; then the table is
 * written, and the run goes on untimed. It has a line a kernel: microseconds and share of the step,
 * floating-point operations and bytes a second, and both as parts of what this device was measured to
 * reach at most. Then come what threads wait for each other, the dispatch (waking threads, gaps
 * between kernels), and on devices that do not compute meanwhile the host's work between steps.
 *
 * - Means are over the faster half of the steps of the plan that most steps ran, as others were
 *   disturbed by other programs. A time is the mean over the threads, so the lines add up.
 * - On the CPU every thread reads the clock between any two kernels; on WebGPU each kernel has a
 *   compute pass of its own with timestamps, which widens the gaps, or is repeated on copies where
 *   the adapter has no timestamps; on the reference each op is a kernel.
 * - The peak is that of multiply-adds from registers on all threads; the memory's rate that of a
 *   copy of 64 MiB, bytes read plus bytes written. Both are measured once a process, before the
 *   window. A small network lives in caches, so its kernels may pass 100 % of the memory's rate.
 *
 * Steps are let through as they are. A run that ends before the window does writes the table of what
 * was timed; one that ends within the warm-up says so.
 *
 * @param options Window, table, trace.
 * @returns An operator on steps, to be put below `update`.
 * @throws {RangeError} when `warmUp` or `steps` is no such number.
 *
 * @example
 * ```ts
 * import {
 *   arrays, backward, dense, forward, input, loss, meanSquaredError, miniBatches, profile,
 *   sequential, sgd, update,
 * } from "@millrace/millrace";
 * import { lastValueFrom } from "rxjs";
 * import assert from "node:assert/strict";
 *
 * let table = "";
 * const output = {
 *   writeSync: (bytes: Uint8Array) => {
 *     table += new TextDecoder().decode(bytes);
 *     return bytes.length;
 *   },
 * };
 * const model = sequential([input([1]), dense(1)]);
 * const steps = miniBatches(arrays([[1], [2]], [[2], [4]]), { epochs: 8, device: "reference" });
 * const training = steps.pipe(
 *   forward(model), loss(meanSquaredError()), backward(), update(sgd()),
 *   profile({ warmUp: 2, steps: 4, output }),
 * );
 * await lastValueFrom(training);
 * assert.match(table, /matmul \[2,1\]×\[1,1\] \(dense_1\)/);
 * ```
 *
 * PyTorch: `torch.profiler` with `schedule(warmup, active)`, `key_averages().table()` and
 * `export_chrome_trace`. Keras: `TensorBoard(profile_batch)`.
 */
export function profile<Step extends AnyBatch = Updated>(
  options: ProfileOptions = {},
): MonoTypeOperatorFunction<Step> {
  const { warmUp, output = Deno.stderr, trace } = options;
  const settings: Settings = {
    warmUp: warmUp === undefined ? undefined : checkCount("the warmUp of profile", warmUp),
    steps: checkCount("the steps of profile", options.steps ?? 50, 1),
    output,
    trace,
  };
  return (source) =>
    new Observable<Step>((subscriber) => {
      const profiler = new Profiler(settings, subscriber);
      subscriber.add(() => profiler.leave());
      follow(source, subscriber, {
        run: () => {
          if (settings.trace !== undefined) checkWritable(settings.trace);
        },
        next: (step) => {
          checkStage("profile", "miniBatches", step);
          profiler.take(step);
          subscriber.next(step);
        },
        error: (error) => {
          profiler.leave();
          subscriber.error(error);
        },
        complete: () => profiler.finish(),
      });
    });
}

type Settings =
  & Required<Pick<ProfileOptions, "steps" | "output">>
  & Pick<ProfileOptions, "warmUp" | "trace">;

/** A warm-up that nobody has chosen: kernels of small networks are compiled for speed while it lasts. */
const leastWarmUp = { steps: 50, milliseconds: 100 };

/** The state of one subscription. */
class Profiler {
  readonly #steps: ProfiledStep[] = [];
  #seen = 0;
  #begun = 0;
  /** Steps of the warm-up, once it is over. */
  #warmUp: number | undefined;
  /** Steps of the window whose profile is not known yet. */
  #waiting = 0;
  #ceilings: Ceilings | undefined;
  #run: RunControl | undefined;
  #complete: PromiseWithResolvers<void> = Promise.withResolvers();
  #done = false;

  constructor(
    private readonly settings: Settings,
    private readonly subscriber: Pick<Subscriber<never>, "error" | "complete">,
  ) {}

  take(step: AnyBatch): void {
    this.#run = step.run;
    const number = ++this.#seen;
    if (number === 1) this.#begun = performance.now();
    if (this.#warmUp === undefined && this.#isWarm(step)) {
      this.#warmUp = this.settings.warmUp ?? number;
      this.#prepare(step);
    }
    const first = (this.#warmUp ?? Infinity) + 1;
    const last = first + this.settings.steps - 1;
    if (number < first || number > last) return;
    // The device gets ready at the first one.
    if (number === first) step.frame.alone = true;
    this.#waiting++;
    step.frame.profile((known) => {
      if (known) this.#steps.push({ step: step.step, profile: known });
      if (--this.#waiting === 0 && this.#seen >= last) this.#complete.resolve();
    });
    // Only the step that closes the window waits for it.
    if (number === last) step.hold(this.#complete.promise.then(() => this.#report()));
  }

  /** At the end of the stream: what was timed is written, then the stream completes. */
  finish(): void {
    if (this.#done || !this.#needsFile()) {
      this.leave();
      this.subscriber.complete();
      return;
    }
    this.#report().then(() => this.subscriber.complete(), (error) => this.subscriber.error(error));
  }

  /** When the stream is left or fails: what was timed is written. */
  leave(): void {
    if (this.#done) return;
    // Nobody is there any more who could be told on the stream.
    this.#report().catch((error) => console.error(error.message));
  }

  #isWarm({ step, stepsPerEpoch, frame }: AnyBatch): boolean {
    const { warmUp, steps } = this.settings;
    if (warmUp !== undefined) return this.#seen >= warmUp;
    if (this.#seen < leastWarmUp.steps) return false;
    const left = frame.run.epochs * stepsPerEpoch - step;
    return left <= steps || performance.now() - this.#begun >= leastWarmUp.milliseconds;
  }

  #prepare(step: AnyBatch): void {
    const { run } = step.frame;
    step.frame.alone = true;
    step.hold((async () => {
      await run.decided;
      this.#ceilings = await run.ceilings();
    })());
  }

  #needsFile(): boolean {
    return this.settings.trace !== undefined && this.#steps.length > 0;
  }

  /** Writes the table at once, and the trace; only the first call does. */
  async #report(): Promise<void> {
    if (this.#done) return;
    this.#done = true;
    const { output, trace, warmUp = leastWarmUp.steps } = this.settings;
    if (!this.#run || this.#steps.length === 0) {
      writeText(
        output,
        `No step was profiled, as the run had ${this.#seen} and ${warmUp} are for warming up: train ` +
          `longer, or give profile a smaller warmUp\n`,
      );
      return;
    }
    const { device } = this.#run.describe();
    writeText(output, profileTable(summarize(this.#steps), device, this.#ceilings));
    if (trace !== undefined) {
      await writeFileAtomic(trace, encodeTrace(traceEvents(this.#steps, device)));
    }
  }
}
