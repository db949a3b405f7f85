import { DataError } from "../core/graph/errors.ts";
import { arrays } from "./arrays.ts";
import type { CsvTable } from "./csv.ts";
import type { DataSet, StoredInputs } from "./data_set.ts";
import { categoryIds } from "./one_hot.ts";
import {
  categoriesOf,
  columnFeatures,
  type FeatureColumn,
  fitColumn,
  type FittedColumn,
  numbersOf,
} from "./table_columns.ts";
import { checkTable } from "./table_check.ts";

/** The column to predict. */
export type TargetColumn =
  & {
    /** Its name. */
    readonly column: string;
  }
  & (
    /** A number, as it is: `[rows, 1]`. */
    | { readonly type: "numeric" }
    /** A class id, `[rows]`: classes are numbered in the order in which their names sort. */
    | { readonly type: "categorical" }
    /** 1 for this cell or these, else 0: `[rows, 1]`. */
    | { readonly type: "binary"; readonly positive: string | readonly string[] }
    /** 0 for this cell or these, else 1: `[rows, 1]`. */
    | { readonly type: "binary"; readonly negative: string | readonly string[] }
  );

/** A description of a table, and what training rows say about it: plain JSON. */
export interface TableEncoderOptions {
  /** The columns to predict from, by name. */
  readonly features: Readonly<Record<string, FeatureColumn>>;
  /** The column to predict. */
  readonly target: TargetColumn;
  /** What `adapt` has found. */
  readonly fitted?: {
    /** For each column of `features`. */
    readonly features: Readonly<Record<string, FittedColumn>>;
    /** Names of the classes of a categorical target. */
    readonly classes?: readonly string[];
  };
}

/** What {@linkcode tableEncoder} gives. */
export interface TableEncoder {
  /** Its options, what was fitted among them: `tableEncoder(config)` is the same again. */
  readonly config: TableEncoderOptions;
  /** The encoder with what the rows of a table say, the training rows; this one stays as it is. */
  adapt(table: CsvTable): TableEncoder;
  /** Names of the features of a table, in their order. */
  featureNames(table: CsvTable): string[];
  /** The features of a table, `[rows, features]`; the target may be unknown. */
  inputs(table: CsvTable): StoredInputs;
  /** Features and targets of a table. */
  dataSet(table: CsvTable): DataSet;
}

/**
 * Turns tables into data sets: numbers standardised, missing ones filled in and told of, categories
 * as columns of 0 and 1.
 *
 * What it needs to know, as means and categories, `adapt(table)` learns from the training rows
 * alone; then other rows are put into the same form. A number x becomes (x − mean) / std, a missing
 * one `impute` says what, and a further feature 1 where training rows lacked some. A category becomes
 * a feature each; one that training rows did not have is 0 in all of them, or 1 in that of the rare
 * ones, where `maxCategories` left some out.
 *
 * @param options A description for each column to predict from, and the column to predict.
 * @returns The encoder; `JSON.stringify(encoder.config)` is kept beside the model's weights.
 * @throws {RangeError} If a description is none, also in a `config` from a file.
 * @throws {DataError} By `inputs` and `dataSet`, if nothing has been fitted, a column is missing, all
 * of its numbers are, or a target is missing or unknown.
 *
 * @example
 * ```ts
 * import assert from "node:assert/strict";
 * import { parseCsv, tableEncoder } from "@millrace/millrace";
 *
 * const csv = "height,kind,heavy\n1,cat,no\n3,dog,yes\n,dog,no\n";
 * const table = parseCsv(csv, { text: ["kind", "heavy"], missing: [""] });
 * const encoder = tableEncoder({
 *   features: { height: { type: "numeric", standardise: false }, kind: { type: "categorical" } },
 *   target: { column: "heavy", type: "binary", positive: "yes" },
 * }).adapt(table);
 * const names = ["height", "height is missing", "kind=dog", "kind=cat"];
 * assert.deepEqual(encoder.featureNames(table), names);
 * const { x, y } = encoder.dataSet(table);
 * assert.deepEqual([...x.data], [1, 0, 0, 1, 3, 0, 1, 0, 2, 1, 1, 0]);
 * assert.deepEqual([...y.data], [0, 1, 0]);
 *
 * const again = tableEncoder(JSON.parse(JSON.stringify(encoder.config)));
 * assert.deepEqual(again.inputs(table), x);
 * ```
 *
 * Keras: `FeatureSpace`, scikit-learn: `ColumnTransformer` of `SimpleImputer(add_indicator=True)`,
 * `StandardScaler` (which scales the indicators too) and `OneHotEncoder(handle_unknown="ignore")`.
 */
export function tableEncoder(options: TableEncoderOptions): TableEncoder {
  checkTable(options);
  const { features, target, fitted } = options;
  const columnsOf = (table: CsvTable) => {
    if (!fitted) {
      throw new DataError(
        `Cannot encode "${table.file}" as nothing has been learnt from training rows: use the ` +
          `encoder that adapt(table) gives`,
        { file: table.file },
      );
    }
    return Object.entries(features).map(([name, column]) =>
      columnFeatures(table, name, column, fitted.features[name])
    );
  };
  const inputs = (table: CsvTable): StoredInputs => {
    const columns = columnsOf(table);
    const width = columns.reduce((sum, { names }) => sum + names.length, 0);
    const data = new Float32Array(table.rows * width);
    let place = 0;
    for (const { names, write } of columns) {
      for (let row = 0; row < table.rows; row++) write(row, data, row * width + place);
      place += names.length;
    }
    return { data, shape: [table.rows, width] };
  };
  return {
    config: { ...options },
    adapt: (table) =>
      tableEncoder({
        features,
        target,
        fitted: {
          features: Object.fromEntries(
            Object.entries(features).map((
              [name, column],
            ) => [name, fitColumn(table, name, column)]),
          ),
          ...(target.type === "categorical" && {
            classes: [...new Set(knownTargets(table, target.column))].sort(),
          }),
        },
      }),
    featureNames: (table) => columnsOf(table).flatMap(({ names }) => names),
    inputs,
    dataSet(table) {
      const { data, shape } = inputs(table);
      const common = { inputShape: shape.slice(1), name: table.file };
      if (target.type !== "categorical") {
        return arrays(data as Float32Array, targetsOf(table, target), common);
      }
      const { classes = [] } = fitted!;
      const ids = categoryIds(knownTargets(table, target.column), classes);
      return arrays(data as Float32Array, ids, { ...common, classes: classes.length });
    },
  };
}

/** The targets of a table, one number a row. */
function targetsOf(
  table: CsvTable,
  target: Exclude<TargetColumn, { type: "categorical" }>,
): Float64Array {
  const { column } = target;
  if (target.type === "numeric") {
    const cells = numbersOf(table, column);
    const missing = cells.findIndex(Number.isNaN);
    if (missing >= 0) throw missingTarget(table, column, missing);
    return cells;
  }
  const [named, value] = "positive" in target ? [target.positive, 1] : [target.negative, 0];
  const listed = [named].flat();
  return Float64Array.from(
    knownTargets(table, column),
    (cell) => listed.includes(cell) ? value : 1 - value,
  );
}

/** The cells of a target of names, none of which may be missing. */
function knownTargets(table: CsvTable, column: string): readonly string[] {
  const cells = categoriesOf(table, column);
  const missing = cells.indexOf("");
  if (missing >= 0) throw missingTarget(table, column, missing);
  return cells;
}

function missingTarget({ file }: CsvTable, column: string, row: number): DataError {
  return new DataError(
    `Cannot learn from "${file}" as each row needs its target: "${column}" is missing in row ` +
      `${row} of the table (choose those that have one with takeRows)`,
    { file, row: row + 1, column },
  );
}
