import { CsvError, parse } from "csv-parse/sync";
import { DataError } from "../core/graph/errors.ts";

/** What {@linkcode parseCsv} may be told beyond the text. */
export interface CsvOptions {
  /** The file's name, for messages; default `"CSV data"`. */
  file?: string;
  /** The character between cells; default `","`. */
  delimiter?: string;
  /** Whether the first row names the columns; default `true`, else `column_1`, `column_2`, …. */
  header?: boolean;
  /** Names of the columns that hold text, such as categories; all others must be numbers. */
  text?: readonly string[];
  /**
   * Cells that mean that nothing is known, as `["", "NA"]`: NaN in a column of numbers, `""` in one
   * of text; default none, and such a cell among numbers is refused.
   */
  missing?: readonly string[];
}

/** The columns of a CSV file. */
export interface CsvTable {
  /** The file's name, for messages. */
  readonly file: string;
  /** Number of rows, without the header. */
  readonly rows: number;
  /** The columns in their order, by name: numbers as float64 (NaN is missing), text as strings. */
  readonly columns: ReadonlyMap<string, Float64Array | readonly string[]>;
}

/**
 * Parses CSV text into columns.
 *
 * A byte-order mark, `\r\n`, quoted cells and empty rows are understood. A number is written in
 * decimal; an empty cell, `NA`, `NaN`, `inf` and hexadecimal are refused rather than guessed at,
 * unless `missing` names them.
 *
 * @param source The text, or its bytes in UTF-8.
 * @param options File name, delimiter, whether there is a header, which columns hold text, which cells
 * mean that nothing is known.
 * @returns The columns by name.
 * @throws {DataError} If the text is not UTF-8, is empty or holds a header alone, a quote is not
 * closed, a row has more or fewer cells than the header, a column has no name or the name of
 * another, or a cell is not a finite number. `row` counts from 1 as a spreadsheet does, header
 * included; `column` is the name.
 *
 * @example
 * ```ts
 * import assert from "node:assert/strict";
 * import { parseCsv } from "@millrace/millrace";
 *
 * const table = parseCsv("height,kind\n1.5,cat\n2,dog\n", { text: ["kind"] });
 * assert.deepEqual([...table.columns.get("height")!], [1.5, 2]);
 * assert.throws(() => parseCsv("a,b\n1,NA\n"), /row 2, column "b"/);
 * ```
 */
export function parseCsv(source: string | Uint8Array, options: CsvOptions = {}): CsvTable {
  const { file = "CSV data", header = true, text = [] } = options;
  if (typeof source !== "string" && !(source instanceof Uint8Array)) {
    throw new DataError(
      `Cannot read "${file}" as it must be text, or bytes in UTF-8: received ${typeof source} ` +
        `(Deno.readTextFile and readDataFile read a file)`,
      { file },
    );
  }
  const records = readRecords(source, file, options.delimiter ?? ",");
  const fail = (why: string, place: { row?: number; column?: string } = {}): DataError =>
    new DataError(`Cannot read "${file}" as ${why}`, { file, ...place });
  const first = records.findIndex((cells) => !isBlank(cells));
  if (first < 0) throw fail("it is empty: expected rows of cells");
  const names = header
    ? records[first].map((name) => name.trim())
    : records[first].map((_, i) => `column_${i + 1}`);
  checkNames(names, header, text, fail);
  const body = records.map((cells, i) => ({ cells, row: i + 1 }))
    .slice(header ? first + 1 : first).filter(({ cells }) => !isBlank(cells));
  if (body.length === 0) {
    const isName = typeof source === "string" && /^[^\s,;]+\.[ct]sv$/i.test(source);
    throw fail(
      "it holds a header and no rows: expected one row or more" +
        (isName ? ` (is ${source} a file? parseCsv takes what readDataFile reads from it)` : ""),
    );
  }
  for (const { cells, row } of body) {
    if (cells.length !== names.length) {
      throw fail(
        `every row must have ${names.length} cells: received ${cells.length} in row ${row}`,
        { row },
      );
    }
  }
  const { missing = [] } = options;
  const isMissing = (cell: string): boolean => missing.includes(cell.trim());
  const toNumber = (cell: string, row: number, column: string): number => {
    if (isMissing(cell)) return NaN;
    const value = parseNumber(cell);
    if (Number.isFinite(value)) return value;
    throw fail(
      `every cell must be a finite decimal number: received ${JSON.stringify(cell)} in row ` +
        `${row}, column "${column}" (name the column in "text" if it holds categories, the cell in ` +
        `"missing" if it means that nothing is known${separatorHint(names, options)})`,
      { row, column },
    );
  };
  const texts = new Set(text);
  const columns = new Map(names.map((name, place) => [
    name,
    texts.has(name)
      ? body.map(({ cells }) => isMissing(cells[place]) ? "" : cells[place])
      : Float64Array.from(body, ({ cells, row }) => toNumber(cells[place], row, name)),
  ]));
  return { file, rows: body.length, columns };
}

/** In a single column an empty row could be a missing value: csv-parse skips it, and so do we. */
function isBlank(cells: string[]): boolean {
  return cells.length === 1 && cells[0].trim() === "";
}

function readRecords(source: string | Uint8Array, file: string, delimiter: string): string[][] {
  const fail = (why: string, cause: unknown, row?: number): DataError =>
    new DataError(`Cannot read "${file}" as ${why}`, { file, row, cause });
  let text: string;
  try {
    text = typeof source === "string"
      ? source
      : new TextDecoder("utf-8", { fatal: true }).decode(source);
  } catch (error) {
    throw fail("its text is not UTF-8: save it again in that encoding", error);
  }
  // Rows are about as long as the first one.
  const longest = Math.max(1 << 20, 16 * text.search(/[\r\n]|$/));
  try {
    return parse(text, {
      bom: true,
      delimiter,
      relax_column_count: true,
      // Named, since csv-parse else takes the first kind it meets for the whole file.
      record_delimiter: ["\r\n", "\n", "\r"],
      // An unclosed quote would else take the rest of the file for one cell.
      max_record_size: longest,
    });
  } catch (error) {
    if (!(error instanceof CsvError)) throw error;
    const row = Number(error.records) + 1;
    const why = error.code === "CSV_QUOTE_NOT_CLOSED"
      ? "a quote opened in it is not closed: double quotes that belong to the text"
      : error.code === "CSV_MAX_RECORD_SIZE"
      ? `it is longer than ${longest >> 20} MiB: look for a quote that is not closed`
      : `it breaks CSV's rules: ${error.message}`;
    throw fail(`row ${row} cannot be parsed, ${why}`, error, row);
  }
}

function checkNames(
  names: string[],
  header: boolean,
  text: readonly string[],
  fail: (why: string, place?: { row?: number; column?: string }) => DataError,
): void {
  const places = new Map<string, number>();
  for (const [place, name] of names.entries()) {
    if (name === "") throw fail(`every column needs a name: column ${place + 1} has none`);
    const other = places.get(name);
    if (other !== undefined) {
      throw fail(
        `every column needs a name of its own: received "${name}" for columns ${other + 1} and ` +
          `${place + 1}`,
        { row: 1, column: name },
      );
    }
    places.set(name, place);
  }
  if (header && names.every((name) => Number.isFinite(parseNumber(name)))) {
    throw fail(
      `its first row must name the columns: received numbers (set header to false if there is no ` +
        `header)`,
      { row: 1 },
    );
  }
  const missing = text.find((name) => !places.has(name));
  if (missing !== undefined) {
    throw fail(`it has no column "${missing}": its columns are ${JSON.stringify(names)}`);
  }
}

function parseNumber(cell: string): number {
  const trimmed = cell.trim();
  return /^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i.test(trimmed) ? Number(trimmed) : NaN;
}

/** What to add where a header of one name looks like one of several. */
function separatorHint([name, ...others]: readonly string[], { delimiter = "," }: CsvOptions) {
  const other = [";", "\t", "|"].find((text) => text !== delimiter && name.includes(text));
  if (others.length > 0 || other === undefined) return "";
  return `; where ${JSON.stringify(other)} separates cells, set delimiter to it`;
}
