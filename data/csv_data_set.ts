import { DataError } from "../core/graph/errors.ts";
import { arrays } from "./arrays.ts";
import { checkClasses } from "./check_classes.ts";
import type { CsvTable } from "./csv.ts";
import type { DataSet } from "./data_set.ts";
import { categoryIds } from "./one_hot.ts";

/** How {@linkcode csvDataSet} reads a table. */
export interface CsvDataSetOptions {
  /** Name of the column to predict. */
  target: string;
  /** Names of the columns to predict from; default every column of numbers but the target. */
  features?: readonly string[];
  /** Number of classes; given, the target holds class ids from 0 to `classes - 1`. */
  classes?: number;
}

/**
 * Builds a data set from the columns of a CSV file.
 *
 * @param table The columns, from {@linkcode parseCsv}.
 * @param options The target column, the feature columns, the number of classes.
 * @returns Inputs `[rows, features]`, float32. Targets: class ids `[rows]` if `classes` is given or
 * the target holds text (numbered in order of first appearance), else values `[rows, 1]`, float32.
 * @throws {DataError} If a column is missing or holds text where numbers are needed, there is no
 * feature, or a number does not fit (see {@linkcode arrays}).
 *
 * @example
 * ```ts
 * import assert from "node:assert/strict";
 * import { csvDataSet, parseCsv } from "@millrace/millrace";
 *
 * const table = parseCsv("height,weight,kind\n1,2,cat\n3,4,dog\n", { text: ["kind"] });
 * const { x, y, classes } = csvDataSet(table, { target: "kind" });
 * assert.deepEqual(x.shape, [2, 2]);
 * assert.deepEqual([...y.data], [0, 1]);
 * assert.equal(classes, 2);
 * ```
 */
export function csvDataSet(table: CsvTable, options: CsvDataSetOptions): DataSet {
  const { file, rows, columns } = table;
  const { target, classes } = (options ?? {}) as CsvDataSetOptions;
  if (typeof target !== "string") {
    throw new DataError(
      `Cannot use "${file}" as a data set as target must name the column to be learnt: received ` +
        `${target}, name one of ${JSON.stringify([...columns.keys()])}`,
      { file },
    );
  }
  const fail = (why: string, column?: string): DataError =>
    new DataError(`Cannot use "${file}" as a data set as ${why}`, { file, column });
  const column = (name: string): Float64Array | readonly string[] => {
    const found = columns.get(name);
    if (found === undefined) {
      const names = JSON.stringify([...columns.keys()]);
      throw fail(`it has no column "${name}": its columns are ${names}`, name);
    }
    return found;
  };
  const targets = column(target);
  const names = options.features ??
    [...columns].filter(([name, cells]) => name !== target && cells instanceof Float64Array)
      .map(([name]) => name);
  if (names.length === 0) throw fail(`it has no column of numbers beside the target "${target}"`);
  const x = new Float64Array(rows * names.length);
  for (const [place, name] of names.entries()) {
    const cells = column(name);
    if (!(cells instanceof Float64Array)) {
      throw fail(`column "${name}" holds text: use tableEncoder`, name);
    }
    for (let row = 0; row < rows; row++) x[row * names.length + place] = cells[row];
  }
  const common = { inputShape: [names.length], name: file };
  if (targets instanceof Float64Array) {
    if (classes !== undefined) checkClasses(targets, classes, file);
    return arrays(x, targets, { ...common, classes });
  }
  const categories = [...new Set(targets)];
  if (classes !== undefined && classes < categories.length) {
    throw fail(
      `column "${target}" has ${categories.length} categories: received ${classes} classes`,
    );
  }
  const ids = categoryIds(targets, categories);
  return arrays(x, ids, { ...common, classes: classes ?? categories.length });
}
