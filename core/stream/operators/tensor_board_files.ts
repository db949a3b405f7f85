import { explainedWrite, makeFolder } from "../../state/explained_write.ts";
import type { RunControl } from "../epoch.ts";
import type { KeptState, StateValue } from "../kept_state.ts";
import { writeBytes } from "./line_queue.ts";
import { summaryEvent, type SummaryValue, versionEvent } from "./tensor_board_event.ts";
import { encodeRecord, endOfRecords } from "./tensor_board_record.ts";

/** Runs of TensorBoard, a folder each, by Keras's names. */
export type BoardRun = "train" | "validation";

type FilesState = {
  /** Name of the files, the same in every folder; `null` when there are none. */
  readonly name: string | null;
  /** Bytes of each. */
  readonly sizes: { readonly [run: string]: number };
  /** Records of the first file whose values were on their way: they come right behind. */
  readonly awaited: number;
};

/** The event files of one training: they are open while it lasts. */
export class EventFiles implements KeptState {
  /** Whether an operator among steps writes to them. */
  hasSteps = false;
  #name: string | null = null;
  readonly #files = new Map<BoardRun, EventFile>();
  #saved: FilesState | undefined;
  #awaited = 0;
  #released = false;

  /** @param folder Where the folders of the runs are. */
  constructor(private readonly folder: string) {}

  save(): StateValue {
    const sizes = Object.fromEntries([...this.#files].map(([run, { size }]) => [run, size]));
    return { name: this.#name, sizes, awaited: this.#awaited };
  }

  restore(saved: StateValue): void {
    this.#saved = saved as FilesState;
  }

  /** Opens the first file, or those of the run that goes on, before there is anything to write. */
  begin(run: RunControl): void {
    run.keep("tensorBoard", this);
    this.#explained(() => {
      const saved = this.#saved;
      if (saved?.name && this.#isThere("train", saved.name)) {
        this.#name = saved.name;
        this.#reopen("train", saved.sizes.train, saved.awaited);
        if (this.#isThere("validation", saved.name)) {
          this.#reopen("validation", saved.sizes.validation ?? 0);
        } else if (saved.sizes.validation) this.#warn("validation");
        return;
      }
      if (saved?.name) this.#warn("train");
      this.#create();
    });
  }

  /** Appends the values of a step or an epoch; they are the system's when this returns. */
  write(run: BoardRun, step: number, values: readonly SummaryValue[]): void {
    if (values.length > 0) this.#append(run, summaryEvent(now(), step, values));
  }

  /**
   * Appends values of training once they are known; until then the files stay open.
   *
   * @returns Settles when they are written; rejects when they cannot be.
   */
  async writeLater(step: number, values: Promise<readonly SummaryValue[]>): Promise<void> {
    const wallTime = now();
    this.#awaited++;
    try {
      const known = await values;
      if (known.length > 0) this.#append("train", summaryEvent(wallTime, step, known));
    } finally {
      this.#awaited--;
      this.#closeWhenDone();
    }
  }

  /** Closes the files, as soon as all that was awaited is written. */
  release(): void {
    this.#released = true;
    this.#closeWhenDone();
  }

  #closeWhenDone(): void {
    if (!this.#released || this.#awaited > 0) return;
    for (const file of this.#files.values()) file.close();
    this.#files.clear();
  }

  #append(run: BoardRun, event: Uint8Array): void {
    this.#explained(() => {
      if (!this.#files.has(run)) this.#open(run, this.#path(run, this.#name!));
      this.#files.get(run)!.append(event);
    });
  }

  /** Opens the file of training under a name that no other has. */
  #create(): void {
    const start = `events.out.tfevents.${Math.floor(now())}.millrace.${Deno.pid}`;
    for (let count = 0; this.#name === null; count++) {
      const name = `${start}.${count}`;
      try {
        this.#open("train", this.#path("train", name), { createNew: true });
        this.#name = name;
      } catch (error) {
        if (!(error instanceof Deno.errors.AlreadyExists)) throw error;
      }
    }
  }

  /** Opens a new file, and its folder, and says in it what it is. */
  #open(run: BoardRun, path: string, options: Deno.OpenOptions = { create: true }): void {
    makeFolder(`${this.folder}/${run}`);
    this.#files.set(run, new EventFile(Deno.openSync(path, { write: true, ...options }), 0));
    this.#files.get(run)!.append(versionEvent(now()));
  }

  /** Opens a file of the run that goes on, without what came after it was saved: that comes again. */
  #reopen(run: BoardRun, size: number, awaited = 0): void {
    const path = this.#path(run, this.#name!);
    const bytes = Deno.readFileSync(path);
    if (bytes.length < size) this.#warn(run);
    const end = bytes.length < size ? endOfRecords(bytes, 0) : endOfRecords(bytes, size, awaited);
    const file = Deno.openSync(path, { write: true });
    file.truncateSync(end);
    file.seekSync(end, Deno.SeekMode.Start);
    this.#files.set(run, new EventFile(file, end));
    if (end === 0) this.#files.get(run)!.append(versionEvent(now()));
  }

  #path(run: BoardRun, name: string): string {
    return `${this.folder}/${run}/${name}`;
  }

  #isThere(run: BoardRun, name: string): boolean {
    try {
      return Deno.statSync(this.#path(run, name)).isFile;
    } catch (error) {
      if (error instanceof Deno.errors.NotFound) return false;
      throw error;
    }
  }

  #warn(run: BoardRun): void {
    console.error(
      `tensorBoard: "${this.folder}/${run}" does not hold the events that the resumed run had ` +
        `written; the log goes on without what is missing`,
    );
  }

  #explained<Result>(action: () => Result): Result {
    return explainedWrite(this.folder, "folder", action);
  }
}

/** A file open for appending. */
class EventFile {
  /** @param file The file. @param size Its bytes. */
  constructor(private readonly file: Deno.FsFile, public size: number) {}

  append(event: Uint8Array): void {
    const record = encodeRecord(event);
    writeBytes(this.file, record);
    this.size += record.length;
  }

  close(): void {
    this.file.close();
  }
}

/** Seconds since 1970. */
function now(): number {
  return Date.now() / 1000;
}
