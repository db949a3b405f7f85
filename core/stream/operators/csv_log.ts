import { parse } from "csv-parse/sync";
import { stringify } from "csv-stringify/sync";
import { defer, finalize, tap } from "rxjs";
import type { MonoTypeOperatorFunction } from "../../nn/rxjs_types.ts";
import type { Epoch } from "../epoch.ts";
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
 * The columns are `epoch` and the logs of the first epoch, in their order; a log that an epoch lacks
 * is `NA`, and one that comes later is left out. Each row is handed to the system at once. An old
 * file is replaced when the stream is subscribed, unless `append` is set: then its columns are kept,
 * and an incomplete last line is ended first.
 *
 * @param path The file's path. Needs `--allow-write`, and `--allow-read` to append.
 * @param options Separator, and whether to append.
 * @returns An operator on epochs, which it passes on as they are. A file that cannot be written is
 * an error on the error channel.
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
 * the columns, ends lines with `\r\n`, and appends rows under a header without looking at it.
 */
export function csvLog<E extends Epoch>(
  path: string,
  options: CsvLogOptions = {},
): MonoTypeOperatorFunction<E> {
  const { separator = ",", append = false } = options;
  if (typeof separator !== "string" || !/^[^"\r\n]$/u.test(separator)) {
    throw new RangeError(
      `Cannot write a CSV log as its separator must be one character other than a quote and a ` +
        `line end: received ${JSON.stringify(separator)}`,
    );
  }
  return (source) =>
    defer(() => {
      const table = explained(path, () => new Table(path, separator, append));
      return source.pipe(
        tap((epoch) => explained(path, () => table.add(epoch))),
        finalize(() => table.close()),
      );
    });
}

/** A CSV file open for writing. */
class Table {
  readonly #file: Deno.FsFile;
  #columns: readonly string[] | undefined;

  constructor(path: string, private readonly separator: string, append: boolean) {
    const old = append ? readIfThere(path) : "";
    this.#file = Deno.openSync(path, { write: true, create: true, append, truncate: !append });
    try {
      [this.#columns] = parse(old, { delimiter: separator, to: 1, bom: true }) as string[][];
      if (old !== "" && !old.endsWith("\n")) writeText(this.#file, "\n");
    } catch (error) {
      this.close();
      throw error;
    }
  }

  add({ epoch, logs }: Epoch): void {
    if (!this.#columns) {
      this.#columns = ["epoch", ...Object.keys(logs)];
      this.#write(this.#columns);
    }
    this.#write(this.#columns.map((name) => {
      if (name === "epoch") return String(epoch);
      return Object.hasOwn(logs, name) ? String(logs[name]) : "NA";
    }));
  }

  close(): void {
    this.#file.close();
  }

  #write(cells: readonly string[]): void {
    writeText(this.#file, stringify([[...cells]], { delimiter: this.separator }));
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
  try {
    return action();
  } catch (cause) {
    const hint = cause instanceof Deno.errors.NotCapable
      ? `this program has no permission to: run it again with --allow-write="${path}" (to append, ` +
        `also --allow-read="${path}")`
      : `the system refused: ${(cause as Error).message}`;
    throw new Error(`Cannot write "${path}" as ${hint}`, { cause });
  }
}
