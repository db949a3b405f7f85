import type { CsvTable } from "./csv.ts";
import { shuffledOrder } from "./shuffled_order.ts";
import { type SplitOptions, trainingShare } from "./split.ts";

/**
 * Divides the rows of a table into those to train on and those to validate on.
 *
 * It is done before anything is learnt from the columns, so that means, categories and the like can
 * be those of the training rows alone.
 *
 * @param table A table of two rows or more.
 * @param options Share of the validation part, the last rows; whether and how to shuffle first.
 * @returns The two parts, as {@linkcode trainValidationSplit} would divide their data sets.
 * @throws {RangeError} If an option is out of its range, or a part would be empty.
 *
 * @example
 * ```ts
 * import assert from "node:assert/strict";
 * import { parseCsv, splitTable } from "@millrace/millrace";
 *
 * const table = parseCsv("a\n1\n2\n3\n4\n5\n");
 * const { train, validation } = splitTable(table, { validationSplit: 0.4 });
 * assert.deepEqual([...train.columns.get("a")!], [1, 2, 3]);
 * assert.deepEqual([...validation.columns.get("a")!], [4, 5]);
 * ```
 */
export function splitTable(
  table: CsvTable,
  options: SplitOptions,
): { train: CsvTable; validation: CsvTable } {
  const { shuffle = false, seed = 0 } = options ?? ({} as SplitOptions);
  const count = trainingShare("table", table.rows, options);
  const order = shuffle ? shuffledOrder(table.rows, seed) : Uint32Array.from(
    { length: table.rows },
    (_, row) => row,
  );
  return {
    train: takeRows(table, order.subarray(0, count)),
    validation: takeRows(table, order.subarray(count)),
  };
}

/**
 * Chooses rows of a table.
 *
 * @param table Any table.
 * @param rows Their numbers from 0, in the order they are to have.
 * @returns A table of these rows; the columns are copied.
 * @throws {RangeError} If a number is not that of a row.
 *
 * @example
 * ```ts
 * import assert from "node:assert/strict";
 * import { parseCsv, takeRows } from "@millrace/millrace";
 *
 * const table = takeRows(parseCsv("a\n1\n2\n3\n"), [2, 0]);
 * assert.deepEqual([...table.columns.get("a")!], [3, 1]);
 * ```
 */
export function takeRows(table: CsvTable, rows: ArrayLike<number>): CsvTable {
  const places = Array.from(rows);
  const wrong = places.find((row) => !(Number.isInteger(row) && row >= 0 && row < table.rows));
  if (wrong !== undefined) {
    throw new RangeError(
      `Cannot take rows of "${table.file}" as their numbers must be from 0 to ${
        table.rows - 1
      }: received ${wrong}`,
    );
  }
  const columns = new Map([...table.columns].map(([name, cells]) => [
    name,
    cells instanceof Float64Array
      ? Float64Array.from(places, (row) => cells[row])
      : places.map((row) => cells[row]),
  ]));
  return { file: table.file, rows: places.length, columns };
}
