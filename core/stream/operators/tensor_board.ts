import { Observable, type Subscriber } from "rxjs";
import { checkCount } from "../../nn/check_count.ts";
import { checkPath } from "../../state/check_path.ts";
import type { MonoTypeOperatorFunction } from "../../nn/rxjs_types.ts";
import type { Epoch, RunControl } from "../epoch.ts";
import { type AnyBatch, Batch } from "../stages.ts";
import { follow } from "./follow.ts";
import { SharedBelow } from "./shared_below.ts";
import type { SummaryValue } from "./tensor_board_event.ts";
import { EventFiles } from "./tensor_board_files.ts";
import { histogramOf } from "./tensor_board_histogram.ts";

/** Options of {@link tensorBoard}. */
export interface TensorBoardOptions {
  /**
   * When scalars are written: after each epoch; `"batch"`, after each step too; or every so many
   * steps, from 1. Default `"epoch"`. Any but that goes with a `tensorBoard` among steps.
   */
  readonly updateFrequency?: "epoch" | "batch" | number;
  /** Epochs from one histogram of each weight to the next; default 0, which means none. */
  readonly histogramFrequency?: number;
}

/**
 * Writes the logs of a run as event files, for TensorBoard to show: `tensorboard --logdir logs`.
 *
 * Among epochs there are two runs: `train` has `epoch_loss`, `epoch_accuracy`,
 * `epoch_learning_rate` and whatever else is in the logs, `validation` has the same tags from the
 * logs whose names begin with `val_`. With `histogramFrequency` come histograms of the weights,
 * `dense_1/kernel/histogram`, for which the next epoch waits. Among steps, `train` has `batch_loss`
 * and others, by the number of the step; no step waits for them. A pipe may hold both for one
 * folder: they write to the same file.
 *
 * Each event is handed to the system at once. Whether the folder may be written is found out before
 * the first step; it is made if it does not exist. Files that are there stay, and TensorBoard shows
 * all of a folder as one run: name another folder for another run. A run that is resumed goes on in
 * its own file, with the events that it had when it was saved; those that came after are dropped,
 * as they come again.
 *
 * @param folder The folder of both runs; default `"logs"`. Needs `--allow-write` for it, and
 * `--allow-read` to resume.
 * @param options How often, and what.
 * @returns An operator on steps or epochs, which it passes on as they are. A file that cannot be
 * written is an error on the error channel, and so are options that leave nothing to write.
 * @throws {RangeError} when `updateFrequency` or `histogramFrequency` is no such number.
 *
 * @example
 * ```ts
 * import {
 *   arrays, dense, fit, input, meanSquaredError, sequential, sgd, tensorBoard,
 * } from "@millrace/millrace";
 * import { lastValueFrom } from "rxjs";
 * import assert from "node:assert/strict";
 *
 * const folder = await Deno.makeTempDir();
 * const data = arrays([[1], [2]], [[2], [4]]);
 * const training = fit(sequential([input([1]), dense(1)]), data, {
 *   loss: meanSquaredError(),
 *   optimizer: sgd(),
 *   validation: data,
 *   epochs: 2,
 *   device: "reference",
 *   stepOperators: [tensorBoard(folder, { updateFrequency: "batch" })],
 *   callbacks: [tensorBoard(folder, { histogramFrequency: 1 })],
 * });
 * await lastValueFrom(training);
 * for (const run of ["train", "validation"]) {
 *   const [{ name }] = Deno.readDirSync(`${folder}/${run}`);
 *   assert.match(name, /^events\.out\.tfevents\./);
 * }
 * await Deno.remove(folder, { recursive: true });
 * ```
 *
 * Source: Keras 3, `TensorBoard`, with its tags and its 30 buckets. Its epochs count from 0, and its
 * `batch_loss` is a mean over the epoch so far, where this is that of one step. It writes no file
 * before the first epoch, and a second file when it is resumed. PyTorch: `SummaryWriter`, whose
 * form of scalars and histograms this is.
 */
export function tensorBoard<Event extends AnyBatch | Epoch = Epoch>(
  folder = "logs",
  options: TensorBoardOptions = {},
): MonoTypeOperatorFunction<Event> {
  checkPath("tensorBoard", folder);
  const settings = {
    every: stepsOf(options.updateFrequency ?? "epoch"),
    histogramFrequency: checkCount(
      "histogramFrequency of tensorBoard",
      options.histogramFrequency ?? 0,
    ),
  };
  return (source) =>
    new Observable<Event>((subscriber) => new Board(folder, settings, subscriber).follow(source));
}

interface BoardSettings {
  /** Steps from one to the next that is written; 0 for none. */
  readonly every: number;
  readonly histogramFrequency: number;
}

function stepsOf(frequency: "epoch" | "batch" | number): number {
  if (frequency === "epoch") return 0;
  if (frequency === "batch") return 1;
  if (Number.isSafeInteger(frequency) && frequency >= 1) return frequency;
  throw new RangeError(
    `Cannot use updateFrequency of tensorBoard as it must be "epoch", "batch" or a whole number ` +
      `of steps from 1: received ${JSON.stringify(frequency) ?? frequency}`,
  );
}

/** The files of each folder: an operator among steps writes to those of the one among epochs. */
const openings = new SharedBelow<string, EventFiles>();

/** The state of one subscription. */
class Board<Event extends AnyBatch | Epoch> {
  readonly #files: EventFiles;
  /** Whether there is another one below, whose files they are. */
  readonly #inner: boolean;
  readonly #subscribe: (action: () => void) => void;
  /** Settles when the last histograms are written. */
  #writing: Promise<void> | undefined;
  #run: RunControl | undefined;

  constructor(
    private readonly folder: string,
    private readonly settings: BoardSettings,
    private readonly subscriber: Subscriber<Event>,
  ) {
    const { shared, inner, subscribe } = openings.join(folder, () => new EventFiles(folder));
    this.#files = shared;
    this.#inner = inner;
    this.#subscribe = subscribe;
    if (inner) shared.hasSteps ||= settings.every > 0;
  }

  follow(source: Observable<Event>): void {
    if (!this.#inner) this.subscriber.add(() => this.#files.release());
    this.#subscribe(() => {
      follow(source, this.subscriber, {
        run: (run) => this.#guard(() => this.#meet(run)),
        next: (event) => {
          this.#guard(() => this.#write(event));
          this.subscriber.next(event);
        },
        complete: () => this.#finish(),
      });
    });
  }

  #meet(run: RunControl): void {
    this.#run = run;
    if (!this.#inner && !run.isRehearsal) this.#files.begin(run);
  }

  #write(event: Event): void {
    if (event.run.isRehearsal) return;
    if (event instanceof Batch) this.#writeStep(event);
    else this.#writeEpoch(event);
  }

  #writeStep(step: AnyBatch): void {
    const { every } = this.settings;
    if (every === 0) {
      throw new RangeError(
        `Cannot use tensorBoard among steps as its updateFrequency must not be "epoch" there: put ` +
          `it below epochs, or set updateFrequency to "batch" or a number of steps`,
      );
    }
    if (step.step % every !== 0) return;
    const values = step.values().then(
      (known) => scalars("batch_", Object.entries(known)),
      // The run has ended, and says why elsewhere.
      () => [],
    );
    this.#files.writeLater(step.step, values).catch((error) => this.#fail(error));
  }

  #writeEpoch(event: Epoch): void {
    const { every, histogramFrequency } = this.settings;
    if (every > 0 && !this.#files.hasSteps) {
      throw new RangeError(
        `Cannot use tensorBoard among epochs with updateFrequency ${every} as steps do not come ` +
          `there: put another one for "${this.folder}" among steps, and leave it out here`,
      );
    }
    const { epoch, logs, run } = event;
    const isOfValidation = ([name]: [string, number]) => name.startsWith("val_");
    const { train = [], validation = [] } = Object.groupBy(
      Object.entries(logs),
      (entry) => isOfValidation(entry) ? "validation" : "train",
    );
    const validated = validation.map(([name, value]) => [name.slice(4), value] as const);
    this.#files.write("train", epoch, scalars("epoch_", train));
    this.#files.write("validation", epoch, scalars("epoch_", validated));
    if (histogramFrequency === 0 || epoch % histogramFrequency !== 0) return;
    // Asked for at once: the next step changes them.
    const writing = this.#files.writeLater(epoch, run.weights().then(histograms));
    this.#writing = writing;
    event.hold(writing);
    // Also when the run is over and nobody waits for what the epoch holds.
    writing.catch((error) => this.#fail(error));
  }

  /** The source has completed: passes that on once everything is written. */
  #finish(): void {
    const complete = () => this.subscriber.complete();
    if (this.#writing) this.#writing.then(complete, () => {});
    else complete();
  }

  #guard(action: () => void): void {
    try {
      action();
    } catch (error) {
      this.#fail(error);
    }
  }

  #fail(error: unknown): void {
    if (this.#run) this.#run.reason = "error";
    this.subscriber.error(error);
  }
}

function scalars(
  prefix: string,
  entries: readonly (readonly [string, number])[],
): SummaryValue[] {
  return entries.map(([name, scalar]) => ({ tag: prefix + name, scalar }));
}

function histograms(weights: Awaited<ReturnType<RunControl["weights"]>>): SummaryValue[] {
  return [...weights].flatMap(([name, { data }]) => {
    const histogram = histogramOf(data);
    return histogram ? [{ tag: `${name}/histogram`, histogram }] : [];
  });
}
