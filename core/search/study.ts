import type { DatabaseSync } from "node:sqlite";
import { jsonText } from "../stream/operators/json_text.ts";
import type { ParameterValues } from "./space.ts";
import { inTransaction, openStudyFile } from "./study_file.ts";
import {
  bestOf,
  type Direction,
  type EpochRecord,
  type TrialRecord,
  type TrialState,
} from "./trial.ts";

/** What makes a study this one: a file that differs in any of it is refused. */
export interface StudyDescription {
  /** The space, as text. */
  readonly space: string;
  /** Name of the log that is judged. */
  readonly monitor: string;
  /** Where better is. */
  readonly direction: Direction;
  /** The seed; `undefined` takes that of the file, or 0. */
  readonly seed: number | undefined;
}

/** A trial that may still change. */
type OpenRecord = {
  -readonly [Name in keyof TrialRecord]: Name extends "epochs" ? EpochRecord[] : TrialRecord[Name];
};

/** The trials of a study, in memory and in its file: what is told to it is in the file at once. */
export class Study implements Disposable {
  /** The seed. */
  readonly seed: number;
  readonly #file: DatabaseSync;
  readonly #direction: Direction;
  readonly #trials: OpenRecord[];

  /**
   * @param path The file, or `":memory:"`.
   * @throws {Error} when the file cannot be opened, or belongs to another study.
   */
  constructor(path: string, description: StudyDescription) {
    this.#file = openStudyFile(path);
    this.#direction = description.direction;
    try {
      this.seed = this.#describe(path, description);
      this.#trials = this.#load();
    } catch (error) {
      this.#file.close();
      throw error;
    }
  }

  /** All trials by number. */
  get trials(): readonly TrialRecord[] {
    return this.#trials;
  }

  /** Writes down a new trial. */
  begin(number: number, parameters: ParameterValues): void {
    this.#file.prepare("insert into trials (number, state, parameters) values (?, 'running', ?)")
      .run(number, JSON.stringify(parameters));
    this.#trials.push({ number, state: "running", parameters, epochs: [], value: undefined });
  }

  /** Forgets the epochs of a trial that ran when the study was left, to run it again. */
  beginAgain(number: number): void {
    this.#file.prepare("delete from epochs where trial = ?").run(number);
    const trial = this.#find(number);
    trial.epochs = [];
    trial.value = undefined;
  }

  /** Writes down an epoch of a running trial. */
  report(number: number, record: EpochRecord): void {
    const { epoch, step, value, logs } = record;
    this.#file.prepare(
      "insert into epochs (trial, epoch, step, value, logs) values (?, ?, ?, ?, ?)",
    )
      .run(number, epoch, step ?? null, storable(value), jsonText(logs));
    const trial = this.#find(number);
    trial.epochs.push(record);
    trial.value = bestOf(trial.epochs.map((each) => each.value), this.#direction);
  }

  /** Writes down how a trial ended. */
  end(
    number: number,
    { state, seconds, error }: { state: TrialState; seconds: number; error?: string },
  ): TrialRecord {
    const trial = this.#find(number);
    this.#file.prepare(
      "update trials set state = ?, value = ?, seconds = ?, error = ? where number = ?",
    ).run(state, storable(trial.value), seconds, error ?? null, number);
    return Object.assign(trial, { state, seconds }, error === undefined ? {} : { error });
  }

  /** Closes the file; trials that run stay so in it. */
  [Symbol.dispose](): void {
    if (this.#file.isOpen) this.#file.close();
  }

  #find(number: number): OpenRecord {
    return this.#trials.find((trial) => trial.number === number)!;
  }

  /** Holds the description against that of the file, or writes it there; gives the seed. */
  #describe(path: string, { space, monitor, direction, seed }: StudyDescription): number {
    const known = this.#file.prepare("select * from study").get();
    if (!known) {
      this.#file.prepare("insert into study values (?, ?, ?, ?)")
        .run(space, monitor, direction, seed ?? 0);
      return seed ?? 0;
    }
    const given = { space, monitor, direction, seed: seed ?? known.seed };
    for (const [name, value] of Object.entries(given)) {
      if (known[name] === value) continue;
      throw new Error(
        `Cannot go on with the study "${path}" as its ${name} is another: it has ${known[name]}, ` +
          `received ${value} (give the same, or another file)`,
      );
    }
    return Number(known.seed);
  }

  #load(): OpenRecord[] {
    return inTransaction(this.#file, () => {
      const epochs = Map.groupBy(
        this.#file.prepare("select * from epochs order by trial, epoch").all(),
        ({ trial }) => trial,
      );
      return this.#file.prepare("select * from trials order by number").all().map((row) => {
        const records = (epochs.get(row.number) ?? []).map(readEpoch);
        return {
          number: Number(row.number),
          state: row.state as TrialState,
          parameters: JSON.parse(String(row.parameters)),
          epochs: records,
          value: bestOf(records.map(({ value }) => value), this.#direction),
          ...(row.seconds === null ? {} : { seconds: Number(row.seconds) }),
          ...(row.error === null ? {} : { error: String(row.error) }),
        };
      });
    });
  }
}

type Row = ReturnType<ReturnType<DatabaseSync["prepare"]>["all"]>[number];

function readEpoch({ epoch, step, value, logs }: Row): EpochRecord {
  return {
    epoch: Number(epoch),
    ...(step === null ? {} : { step: Number(step) }),
    value: value === null ? NaN : Number(value),
    // JSON has no word for NaN and infinities: they are strings there.
    logs: JSON.parse(String(logs), (_, item) => typeof item === "string" ? Number(item) : item),
  };
}

/** SQLite has no NaN. */
function storable(value: number | undefined): number | null {
  return value === undefined || Number.isNaN(value) ? null : value;
}
