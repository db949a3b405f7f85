import { DataError } from "../core/graph/errors.ts";
import type { CsvTable } from "./csv.ts";
import { fitStandardisation } from "./standardise.ts";
import { stringLookup } from "./string_lookup.ts";

/** A column of numbers to predict from. */
export interface NumericColumn {
  /** What it is. */
  readonly type: "numeric";
  /** What stands for a missing number: of the training rows, or a number; default `mean`. */
  readonly impute?: "mean" | "median" | number;
  /** Whether a further feature says where a number was missing in training; default true. */
  readonly indicator?: boolean;
  /** Whether it is brought to mean 0 and deviation 1; default true. */
  readonly standardise?: boolean;
}

/** A column of categories to predict from; a missing one is a category as any other. */
export interface CategoricalColumn {
  /** What it is. */
  readonly type: "categorical";
  /** Most categories with a feature of their own, the frequent ones; default all. */
  readonly maxCategories?: number;
  /**
   * Whether the most frequent category has no feature: the bias stands for it, so that the features
   * are not one linear function of each other, as least squares needs it; default false.
   */
  readonly dropFirst?: boolean;
}

/** A column to predict from. */
export type FeatureColumn = NumericColumn | CategoricalColumn;

/** What training rows say about a column of numbers. */
export interface FittedNumericColumn {
  /** What stands for a missing number. */
  readonly fill: number;
  /** Whether there is a feature for that. */
  readonly indicator: boolean;
  /** What is taken off. */
  readonly mean: number;
  /** What is divided by. */
  readonly std: number;
}

/** What training rows say about a column of categories. */
export interface FittedCategoricalColumn {
  /** Those with a feature of their own. */
  readonly vocabulary: readonly string[];
  /** Whether there is a feature for all others: there were some in training. */
  readonly others: boolean;
}

/** What training rows say about a column. */
export type FittedColumn = FittedNumericColumn | FittedCategoricalColumn;

/** A column of a table as features. */
export interface ColumnFeatures {
  /** Names of the features. */
  readonly names: readonly string[];
  /** Puts a row's features into `data` from `place` on. */
  write(row: number, data: Float32Array, place: number): void;
}

/** The cells of a column; refuses a name that the table does not have. */
function cellsOf(table: CsvTable, name: string): Float64Array | readonly string[] {
  const cells = table.columns.get(name);
  if (cells !== undefined) return cells;
  throw new DataError(
    `Cannot use "${table.file}" as it has no column "${name}": its columns are ` +
      JSON.stringify([...table.columns.keys()]),
    { file: table.file, column: name },
  );
}

/** The cells of a column of numbers. */
export function numbersOf(table: CsvTable, name: string): Float64Array {
  const cells = cellsOf(table, name);
  if (cells instanceof Float64Array) return cells;
  throw new DataError(
    `Cannot use "${table.file}" as column "${name}" is described as numeric and holds text: take ` +
      `it out of the "text" of parseCsv, or describe it as categorical`,
    { file: table.file, column: name },
  );
}

/** The cells of a column as categories; a number as it is written, a missing one as `""`. */
export function categoriesOf(table: CsvTable, name: string): readonly string[] {
  const cells = cellsOf(table, name);
  return cells instanceof Float64Array
    ? Array.from(cells, (cell) => Number.isNaN(cell) ? "" : `${cell}`)
    : cells;
}

/** What the rows of a table say about a column. */
export function fitColumn(table: CsvTable, name: string, column: FeatureColumn): FittedColumn {
  return column.type === "numeric"
    ? fitNumeric(table, name, column)
    : fitCategorical(table, name, column);
}

function fitNumeric(table: CsvTable, name: string, column: NumericColumn): FittedNumericColumn {
  const { impute = "mean", indicator = true, standardise = true } = column;
  const cells = numbersOf(table, name);
  const known = cells.filter((cell) => !Number.isNaN(cell));
  if (known.length === 0) {
    throw new DataError(
      `Cannot learn from column "${name}" of "${table.file}" as all of its ${cells.length} numbers ` +
        `are missing: leave it out`,
      { file: table.file, column: name },
    );
  }
  const fill = typeof impute === "number"
    ? impute
    : impute === "median"
    ? medianOf(known)
    : known.reduce((sum, cell) => sum + cell / known.length, 0);
  const filled = cells.map((cell) => Number.isNaN(cell) ? fill : cell);
  const { mean, std } = standardise
    ? fitStandardisation({ data: filled, shape: [filled.length, 1] })
    : { mean: [0], std: [1] };
  return { fill, indicator: indicator && known.length < cells.length, mean: mean[0], std: std[0] };
}

function medianOf(values: Float64Array): number {
  const sorted = values.slice().sort();
  const middle = (sorted.length - 1) / 2;
  return (sorted[Math.floor(middle)] + sorted[Math.ceil(middle)]) / 2;
}

function fitCategorical(
  table: CsvTable,
  name: string,
  { maxCategories }: CategoricalColumn,
): FittedCategoricalColumn {
  const cells = categoriesOf(table, name);
  const { vocabulary = [] } = stringLookup({
    ...(maxCategories !== undefined && { maxTokens: maxCategories + 1 }),
  }).adapt(cells).config;
  const known = new Set(vocabulary);
  return { vocabulary, others: cells.some((cell) => !known.has(cell)) };
}

/** A column of a table as the features that training rows have said. */
export function columnFeatures(
  table: CsvTable,
  name: string,
  column: FeatureColumn,
  fitted: FittedColumn,
): ColumnFeatures {
  if (column.type === "numeric") {
    const { fill, indicator, mean, std } = fitted as FittedNumericColumn;
    const cells = numbersOf(table, name);
    return {
      names: indicator ? [name, `${name} is missing`] : [name],
      write(row, data, place) {
        const missing = Number.isNaN(cells[row]);
        data[place] = ((missing ? fill : cells[row]) - mean) / std;
        if (indicator) data[place + 1] = Number(missing);
      },
    };
  }
  const { vocabulary, others } = fitted as FittedCategoricalColumn;
  const { data: ids } = stringLookup({ vocabulary }).apply(categoriesOf(table, name));
  // Id 0 is the unknown: where training had none, its weight would be one that never learnt.
  const left = Number(!others) + Number(column.dropFirst ?? false);
  const names = vocabulary.map((category) => `${name}=${category}`);
  const kept = column.dropFirst ? names.slice(1) : names;
  return {
    names: others ? [`${name}: others`, ...kept] : kept,
    write(row, data, place) {
      const id = ids[row];
      if (others && id === 0) data[place] = 1;
      else if (id >= 1 + Number(column.dropFirst ?? false)) data[place + id - left] = 1;
    },
  };
}
