import type { SavedFile } from "./epoch.ts";
import type { Run } from "./run.ts";
import type { RunStates } from "./run_states.ts";
import { encodeRun, type RunSettings, type SavedTensor } from "./saved_run.ts";
import { settledMap } from "./weight_snapshot.ts";

/** Files of a run that operators have asked for, made between two steps. */
export class RunSaver {
  readonly #waiting: (() => Promise<void>)[] = [];
  readonly #captures = new Set<Promise<unknown>>();
  #ended = false;

  /** @param run The run. @param states States of its operators. @param settings Kept in files. */
  constructor(
    private readonly run: Run,
    private readonly states: RunStates,
    private readonly settings: RunSettings,
  ) {}

  /** See {@link RunControl.save}. */
  save(
    metadata: Readonly<Record<string, string>>,
    write: (file: SavedFile) => Promise<void>,
  ): Promise<void> {
    // Read as soon as the step has run: an operator below may end the run, and put other weights back.
    const weights = this.#weightsAfterStep();
    weights.catch(() => {});
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    promise.catch(() => {});
    this.#waiting.push(async () => {
      try {
        await write(await this.#capture(metadata, weights));
        resolve();
      } catch (error) {
        reject(error);
        throw error;
      }
    });
    // An operator that has heard of the end late: nobody comes by any more.
    if (this.#ended) this.end();
    return promise;
  }

  /** Whether a file was asked for. */
  get isWanted(): boolean {
    return this.#waiting.length > 0;
  }

  /** Makes the files that were asked for. */
  async write(): Promise<void> {
    while (this.#waiting.length > 0) await this.#waiting.shift()!();
  }

  /** The run is over: what was asked for is read at once. */
  end(): void {
    this.#ended = true;
    // Whoever has asked hears of a failure.
    for (const save of this.#waiting.splice(0)) void save().catch(() => {});
  }

  /** Whether something is being read from the device. */
  get isReading(): boolean {
    return this.#captures.size > 0;
  }

  /** Settles when nothing is read from the device any more. */
  async captured(): Promise<void> {
    await Promise.allSettled(this.#captures);
  }

  /** The weights as the present step leaves them. */
  #weightsAfterStep(): Promise<Map<string, SavedTensor>> {
    const { weightTable } = this.run;
    return new Promise((resolve) =>
      this.run.afterStep(() => resolve(settledMap(weightTable.capture().weights)))
    );
  }

  #capture(
    metadata: Readonly<Record<string, string>>,
    weightsAsked: Promise<Map<string, SavedTensor>>,
  ): Promise<SavedFile> {
    const captured = this.run.quiet() && !this.run.weightTable.ended
      ? this.#captureAll(metadata, weightsAsked)
      : weightsAsked.then((weights) => ({
        bytes: encodeRun({ weights }, this.#texts(metadata)),
        complete: false,
      }));
    this.#captures.add(captured);
    captured.catch(() => {}).finally(() => this.#captures.delete(captured));
    return captured;
  }

  async #captureAll(
    metadata: Readonly<Record<string, string>>,
    weightsAsked: Promise<Map<string, SavedTensor>>,
  ): Promise<SavedFile> {
    const { weightTable, collector } = this.run;
    const { weights, slots } = weightTable.capture();
    const weightsThen = this.#ended ? weightsAsked : settledMap(weights);
    const position = this.run.position;
    const collected = collector.collect();
    const { states, tensors } = this.states.capture();
    // The values of the last steps may still be on their way from a GPU.
    await collected;
    for (const name of ["logs", "logged"]) states.set(name, this.states.text(name));
    const run = {
      position,
      settings: this.settings,
      weights: await weightsThen,
      tensors: await settledMap(new Map([...slots, ...tensors])),
      states,
    };
    return { bytes: encodeRun(run, this.#texts(metadata)), complete: true };
  }

  /** A file's metadata, and what its models are. */
  #texts(metadata: Readonly<Record<string, string>>): Readonly<Record<string, string>> {
    return { ...metadata, ...this.run.modelTexts };
  }
}
