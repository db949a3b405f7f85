import { normalize } from "node:path";
import { parse } from "csv-parse/sync";
import { stringify } from "csv-stringify/sync";
import { defer, finalize, tap } from "rxjs";
import { checkPath } from "../../state/check_path.ts";
import type { MonoTypeOperatorFunction } from "../../nn/rxjs_types.ts";
import { explainedWrite } from "../../state/explained_write.ts";
import { keepMode, replacedFile } from "../../state/replaced_file.ts";
import type { Epoch, RunControl } from "../epoch.ts";
import { meetRun } from "../run_listeners.ts";
import { checkEpoch } from "../stage_order.ts";
import { keepState, type KeptState, type StateValue } from "../kept_state.ts";
import { claimFile } from "./claim_file.ts";
import { writeText } from "./line_queue.ts";

/** Options of {@link csvLog}. */
export interface CsvLogOptions {
  /** The character between cells; default `","`. */
  readonly separator?: string;
  /** Whether rows are added to an old file, under its columns; default false. */
  readonly append?: boolean;
}

/**
 * Writes the logs of each epoch as a row of a CSV file.
 *
 * The columns are `epoch` and the logs of the first epoch, in their order; a log that comes later
 * becomes a new column, and one that an epoch lacks is `NA`. Each row is handed to the system at
 * once; for a new column the file is replaced whole. An old file gives way to the first epoch, unless
 * `append` is set: then rows are added to it, and an incomplete last line is ended first. It is opened
 * before the first step; a folder that is missing is an error, as in Keras. A run that
 * is resumed goes on with the rows that it had when it was saved; those that came after are dropped,
 * as they come again.
 *
 * @param path The file's path. Needs `--allow-write`, and `--allow-read` to append, to resume, and
 * where columns are added.
 * @param options Separator, and whether to append.
 * @returns An operator on epochs, which it passes on as they are. A file that cannot be written, or
 * one to append to that has no column `epoch`, is an error on the error channel, and so is one that
 * another operator of the pipe, or another run at the same time, writes.
 * @throws {RangeError} when `separator` is not one character, or is a quote or a line end.
 *
 * @example
 * ```ts
 * import { csvLog, type Epoch } from "@millrace/millrace";
 * import { lastValueFrom, of } from "rxjs";
 * import assert from "node:assert/strict";
 *
 * const epochs = of({ epoch: 1, logs: { loss: 0.5 } } as unknown as Epoch);
 * await assert.rejects(
 *   lastValueFrom(epochs.pipe(csvLog("no-such-folder/log.csv"))),
 *   /Cannot write "no-such-folder\/log.csv"/,
 * );
 * ```
 *
 * Source: Keras 3, `CSVLogger`, which also replaces an old file. Keras counts epochs from 0, sorts
 * the columns, leaves out logs that come later, ends lines with `\r\n`, and appends rows under a
 * header without looking at it. Lightning's `CSVLogger` also adds columns.
 */
export function csvLog<E extends Epoch>(
  path: string,
  options: CsvLogOptions = {},
): MonoTypeOperatorFunction<E> {
  checkPath("csvLog", path);
  const { separator = ",", append = false } = options;
  if (typeof separator !== "string" || !/^[^"\r\n]$/u.test(separator)) {
    throw new RangeError(
      `Cannot write a CSV log as its separator must be one character other than a quote and a ` +
        `line end: received ${JSON.stringify(separator)}`,
    );
  }
  const owner = {};
  return (source) =>
    defer(() => {
      const table = explained(path, () => new Table(path, separator, append));
      const restore = (saved: StateValue) => explained(path, () => table.restore(saved));
      const releases: (() => void)[] = [];
      return source.pipe(
        meetRun((run) => {
          releases.push(claimFile(run, { operator: "csvLog", owner, path }));
          releases.push(writeAlone(path, table, run));
        }),
        keepState<E>("csvLog", { save: () => table.save(), restore }),
        tap((epoch) => {
          checkEpoch("csvLog", epoch);
          if (!epoch.run.isRehearsal) explained(path, () => table.add(epoch));
        }),
        finalize(() => {
          table.close();
          releases.forEach((release) => release());
        }),
      );
    });
}

/** The files that are written now, each with its writer and the run that it writes of. */
const written = new Map<string, { readonly table: Table; readonly run: RunControl }>();

/** Refuses a file that another run writes at the same time, over whose rows it would write. */
function writeAlone(path: string, table: Table, run: RunControl): () => void {
  const file = normalize(path);
  const other = written.get(file);
  if (other && other.table !== table && other.run !== run) {
    throw new RangeError(
      `Cannot use csvLog as another run writes to "${path}" at the same time: name a file for each ` +
        `(or put share() below csvLog, if one run was subscribed twice)`,
    );
  }
  written.set(file, { table, run });
  return () => {
    if (written.get(file)?.table === table) written.delete(file);
  };
}

type TableState = { readonly columns: readonly string[]; readonly rows: number };

/** A CSV file open for writing. */
class Table implements KeptState {
  #file: Deno.FsFile;
  /** The header; empty where there is none yet. */
  #columns: readonly string[];
  /** Rows below it. They stay in the file alone, as a run may go on for months. */
  #rows: number;

  constructor(
    private readonly path: string,
    private readonly separator: string,
    private readonly append: boolean,
  ) {
    const old = append ? readIfThere(path) : "";
    this.#file = Deno.openSync(path, { write: true, create: true, append });
    try {
      const [columns = [], ...rows] = this.#parse(old);
      this.#checkColumns(columns);
      this.#columns = columns;
      this.#rows = rows.length;
      if (old !== "" && !old.endsWith("\n")) writeText(this.#file, "\n");
    } catch (error) {
      this.close();
      throw error;
    }
  }

  save(): StateValue {
    return { columns: [...this.#columns], rows: this.#rows };
  }

  restore(saved: StateValue): void {
    const { columns, rows } = saved as TableState;
    if (columns.length === 0) return this.#replace([], []);
    const [header = columns, ...old] = this.#read();
    const places = columns.map((name) => header.indexOf(name));
    if (old.length < rows || places.includes(-1)) {
      console.error(
        `csvLog: "${this.path}" does not hold the ${rows} rows that the resumed run had written; ` +
          `the log goes on without what is missing`,
      );
    }
    this.#replace(
      columns,
      old.slice(0, rows).map((row) => places.map((place) => row[place] ?? "NA")),
    );
  }

  add({ epoch, logs }: Epoch): void {
    const columns = this.#columns.length > 0 ? this.#columns : ["epoch"];
    const added = Object.keys(logs).filter((name) => !columns.includes(name));
    if (added.length > 0 || this.#columns.length === 0) this.#widen(columns, added);
    this.#write(this.#columns.map((name) => {
      if (name === "epoch") return String(epoch);
      return Object.hasOwn(logs, name) ? String(logs[name]) : "NA";
    }));
    this.#rows++;
  }

  close(): void {
    this.#file.close();
  }

  /** Adds columns to the header and to the rows before. */
  #widen(before: readonly string[], added: readonly string[]): void {
    const columns = [...before, ...added];
    if (this.#columns.length > 0) {
      const [, ...rows] = explainedWrite(this.path, "beside", () => this.#read());
      const missing = (row: string[]) => Math.max(0, columns.length - row.length);
      return this.#replace(
        columns,
        rows.map((row) => [...row, ...Array(missing(row)).fill("NA")]),
      );
    }
    if (!this.append) this.#file.truncateSync(0);
    this.#columns = columns;
    this.#write(columns);
  }

  /** The header and the rows that the file holds now. */
  #read(): string[][] {
    return this.#parse(readIfThere(this.path));
  }

  #parse(text: string): string[][] {
    const { path, separator: delimiter } = this;
    try {
      return parse(text, { delimiter, bom: true, relax_column_count: true }) as string[][];
    } catch (cause) {
      throw new Error(
        `Cannot add to "${path}" as it must hold CSV with the separator "${delimiter}": received ` +
          `a file of which the parser says "${(cause as Error).message}", name another file`,
        { cause },
      );
    }
  }

  /** Refuses an old file that is no log, or has another separator: its cells would be mixed up. */
  #checkColumns(columns: readonly string[]): void {
    if (columns.length === 0 || columns.includes("epoch")) return;
    throw new Error(
      `Cannot add to "${this.path}" as it must have a column epoch, and the separator ` +
        `"${this.separator}": received a file of the columns ${JSON.stringify(columns)}, name ` +
        `another file or its separator`,
    );
  }

  /** Replaces the file whole; without columns by an empty one. */
  #replace(columns: readonly string[], rows: readonly string[][]): void {
    this.#columns = columns;
    this.#rows = rows.length;
    const table = columns.length > 0 ? [columns, ...rows] : [];
    explainedWrite(this.path, "beside", () => this.#rewrite(table));
  }

  #rewrite(table: readonly (readonly string[])[]): void {
    // Written beside the old file, which is whole until the new one is.
    const replaced = replacedFile(this.path);
    const temporary = `${replaced.path}.tmp`;
    const file = Deno.openSync(temporary, { write: true, create: true, truncate: true });
    try {
      keepMode(temporary, replaced);
      writeText(file, stringify([...table], { delimiter: this.separator }));
      Deno.renameSync(temporary, replaced.path);
    } catch (error) {
      file.close();
      Deno.removeSync(temporary);
      throw error;
    }
    this.#file.close();
    // It has the new name by now.
    this.#file = file;
  }

  #write(cells: readonly string[]): void {
    writeText(this.#file, stringify([cells], { delimiter: this.separator }));
  }
}

function readIfThere(path: string): string {
  try {
    return Deno.readTextFileSync(path);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return "";
    throw error;
  }
}

function explained<Result>(path: string, action: () => Result): Result {
  return explainedWrite(path, "in place", action);
}
