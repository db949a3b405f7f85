import type { Subscriber } from "rxjs";
import { checkWritable, writeFileAtomic } from "../../state/atomic_write.ts";
import { makeFolderOf } from "../../state/explained_write.ts";
import { removeLeftovers } from "../../state/remove_leftovers.ts";
import { followed } from "../../state/replaced_file.ts";
import { encodeRun } from "../saved_run.ts";
import type { Epoch, RunControl } from "../epoch.ts";
import type { KeptState, StateValue } from "../kept_state.ts";
import { type AnyBatch, Batch } from "../stages.ts";
import type { CheckpointRule } from "./checkpoint_rule.ts";
import { claimFile } from "./claim_file.ts";
import { besidePath, fileName, isTemplate, namesOf } from "./file_name.ts";
import { lateEpochs } from "./late_epoch.ts";
import { jsonText } from "./json_text.ts";
import { Monitor } from "./monitor.ts";

/** A file that is kept, and what it is worth. */
type KeptFile = { readonly path: string; readonly value: number | null };

/** A file that was asked for and may not be there yet. */
type AwaitedFile = {
  readonly path: string;
  readonly metadata: Readonly<Record<string, string>>;
  /** Files that it takes the place of. */
  readonly dropped: readonly string[];
};

type SaverState = {
  /** Where better is, once it is known. */
  readonly direction: "min" | "max" | null;
  /** Where to, with places for numbers. */
  readonly path: string;
  /** Files that are kept: the best first, or the latest last. */
  readonly files: readonly KeptFile[];
  /** Where the last save was due. */
  readonly epoch: number;
  readonly step: number;
  /** Epochs that have been seen. */
  readonly seen: number;
  /** What a run that goes on writes first. */
  readonly awaited: readonly AwaitedFile[];
};

/** An epoch, a step, or a run that has ended. */
type Saved = { readonly run: RunControl; hold?(promise: Promise<unknown>): void };

/** What one subscription of `checkpoint` knows and does. */
export class CheckpointSaver implements KeptState {
  readonly #monitor: Monitor;
  readonly #tellOfLate = lateEpochs("checkpoint");
  #state: SaverState;
  #run: RunControl | undefined;
  #due = performance.now();
  #saving: Promise<unknown> | undefined;
  readonly #releases: (() => void)[] = [];

  /** @param path Where to. @param rule What. @param subscriber Hears of failures and of the end. */
  constructor(
    private readonly path: string,
    private readonly rule: CheckpointRule,
    private readonly subscriber: Pick<Subscriber<never>, "error" | "complete">,
  ) {
    this.#monitor = new Monitor("checkpoint", rule.monitor, rule.mode);
    this.#state = { direction: null, path, files: [], epoch: 0, step: 0, seen: 0, awaited: [] };
  }

  save(): StateValue {
    return this.#state;
  }

  restore(saved: StateValue): void {
    const state = saved as SaverState;
    // Files under another path are another's: they are neither judged by nor removed.
    const own = state.path === this.path ? state : { ...state, files: [], awaited: [] };
    this.#state = { ...own, path: this.path };
    this.#monitor.direction = state.direction;
  }

  /** Meets the run, and finds out whether there may be files at all. */
  begin(run: RunControl): void {
    this.#run = run;
    // One that comes behind another (concat, repeat) counts from its own beginning.
    this.#state = { ...this.#state, epoch: 0, step: 0, seen: 0, awaited: [] };
    // The best of one would be lost to another; both may save the last.
    const { path, rule: owner } = this;
    const claim = { operator: "checkpoint", owner, path, shared: owner.save === "last" };
    this.#releases.push(claimFile(run, claim));
    run.keep("checkpoint", this);
    try {
      makeFolderOf(this.path);
      checkWritable(this.path);
    } catch (error) {
      run.reason = "error";
      throw error;
    }
    if (!run.isRehearsal) this.#removeLeftovers();
    const { awaited } = this.#state;
    this.#state = { ...this.#state, awaited: [] };
    for (const file of awaited) this.#await(file, { run });
  }

  /** Removes what earlier processes were writing when they were killed. */
  #removeLeftovers(): void {
    const words = ["last", "exception", "weights"];
    const paths = [this.path, ...words.map((word) => besidePath(this.path, word))];
    for (const path of paths) {
      const { folder, isOne } = namesOf(followed(path));
      removeLeftovers(folder, isOne);
    }
  }

  /** Takes note of an epoch or a step. */
  take(event: Epoch | AnyBatch): void {
    if (!(event instanceof Batch)) this.#state = { ...this.#state, seen: event.epoch };
    if (!this.#isDue(event)) return;
    if (!(event instanceof Batch)) this.#tellOfLate(event);
    if (event instanceof Batch) {
      if (this.rule.save === "best") {
        throw new RangeError(
          `Cannot use checkpoint among steps as their logs are known too late to tell the best: ` +
            `put it below epochs, or set save to "last"`,
        );
      }
      // The weights are those after this step.
      event.afterwards(() => this.#take(event, {}));
    } else this.#take(event, event.logs);
  }

  /** The operator has been left. */
  leave(): void {
    this.#releases.splice(0).forEach((release) => release());
  }

  /** The source has completed: passes that on once everything is saved. */
  finish(): void {
    if (this.#run?.reason === "interrupted") {
      const best = this.rule.save === "best" &&
        (this.#state.files.length > 0 || this.rule.threshold !== undefined);
      const path = best || isTemplate(this.path) ? besidePath(this.path, "last") : this.path;
      this.#write(path, { run: this.#run }, {
        epoch: `${this.#state.seen}`,
        reason: "interrupted",
      });
    }
    if (!this.#saving) this.subscriber.complete();
    else this.#saving.then(() => this.subscriber.complete(), () => {});
  }

  /** The source has failed: passes that on once the weights before the failure are saved. */
  fail(error: unknown): void {
    if (!this.rule.onException || !this.#run) return this.subscriber.error(error);
    const message = error instanceof Error ? error.message : String(error);
    const path = besidePath(this.path, "exception");
    this.#write(path, { run: this.#run }, {
      epoch: `${this.#state.seen}`,
      reason: "error",
      message,
    });
    // A second failure says no more than the first.
    const pass = () => this.subscriber.error(error);
    this.#saving!.then(pass, pass);
  }

  #isDue(event: Epoch | AnyBatch): boolean {
    const { epoch, step } = event;
    const { epochs, steps, seconds } = this.rule.every;
    const whole = !(event instanceof Batch) || event.stepInEpoch === event.stepsPerEpoch;
    const now = performance.now();
    const due = epochs > 0
      ? whole && epoch - this.#state.epoch >= epochs
      : steps > 0
      ? step - this.#state.step >= steps
      : now - this.#due >= seconds * 1000;
    if (!due) return false;
    this.#due = now;
    this.#state = { ...this.#state, epoch, step };
    return true;
  }

  #take(event: Epoch | AnyBatch, logs: Readonly<Record<string, number>>): void {
    const { epoch, step } = event;
    const metadata = { epoch: `${epoch}`, step: `${step}`, logs: jsonText(logs) };
    const value = this.#valueOf(event);
    if (value !== undefined) {
      const path = fileName(this.path, { ...logs, epoch, step });
      this.#await({ path, metadata, dropped: this.#keep({ path, value }) }, event);
    }
    if (this.rule.saveLast) {
      this.#await({ path: besidePath(this.path, "last"), metadata, dropped: [] }, event);
    }
  }

  /** Writes a file; should the process end before it is there, the run that goes on does. */
  #await(file: AwaitedFile, event: Saved): void {
    const { path, metadata, dropped } = file;
    this.#state = { ...this.#state, awaited: [...this.#state.awaited, file] };
    this.#write(path, event, metadata, dropped)?.then(() => {
      const awaited = this.#state.awaited.filter((other) => other !== file);
      this.#state = { ...this.#state, awaited };
    }, () => {});
  }

  /** What an event is worth as a file; `undefined` when it is not to be one. */
  #valueOf(event: Epoch | AnyBatch): number | null | undefined {
    if (event instanceof Batch || this.rule.save === "last") return 0;
    const current = this.#monitor.read(event, "such an epoch is saved whatever it is worth");
    if (current === undefined) return null;
    this.#state = { ...this.#state, direction: this.#monitor.direction };
    const { files } = this.#state;
    const toBeat = files.length < this.rule.keep
      ? this.rule.threshold ?? null
      : files.at(-1)!.value;
    return this.#monitor.improves(current, toBeat) ? current : undefined;
  }

  /** Notes a file as kept; gives those that it takes the place of. */
  #keep(file: KeptFile): string[] {
    const others = this.#state.files.filter(({ path }) => path !== file.path);
    const ahead = this.rule.save === "last"
      ? others.length
      : others.filter(({ value }) => !this.#monitor.improves(file.value, value)).length;
    const files = others.toSpliced(ahead, 0, file);
    const surplus = files.length - this.rule.keep;
    const dropped = surplus > 0
      ? (this.rule.save === "last" ? files.splice(0, surplus) : files.splice(-surplus))
      : [];
    this.#state = { ...this.#state, files };
    return dropped.map(({ path }) => path);
  }

  #write(
    path: string,
    event: Saved,
    metadata: Readonly<Record<string, string>>,
    dropped: readonly string[] = [],
  ): Promise<void> | undefined {
    const { run } = event;
    if (run.isRehearsal) return undefined;
    const before = this.#saving;
    const writing = this.#file(event, metadata, async (bytes, complete) => {
      await before;
      // Where a run could be resumed from, it still can.
      await writeFileAtomic(complete ? path : besidePath(path, "weights"), bytes);
      for (const old of dropped) await removeIfThere(old);
    });
    const saving = Promise.all([before, writing]);
    this.#saving = saving;
    saving.then(
      () => {
        if (this.#saving === saving) this.#saving = undefined;
      },
      (error) => {
        run.reason = "error";
        // Also when the run is over and nobody waits for what the epoch holds.
        this.subscriber.error(error);
      },
    );
    return writing;
  }

  #file(
    event: Saved,
    own: Readonly<Record<string, string>>,
    write: (bytes: Uint8Array<ArrayBuffer>, complete: boolean) => Promise<void>,
  ): Promise<void> {
    const metadata = { ...this.rule.metadata, ...own };
    if (!this.rule.weightsOnly) {
      return event.run.save(metadata, ({ bytes, complete }) => write(bytes, complete));
    }
    // Asked for at once: the next step, or the end of the run, changes them.
    const writing = event.run.weights().then((weights) =>
      write(encodeRun({ weights }, { ...metadata, ...event.run.modelTexts }), true)
    );
    event.hold?.(writing);
    return writing;
  }
}

async function removeIfThere(path: string): Promise<void> {
  try {
    await Deno.remove(path);
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
  }
}
