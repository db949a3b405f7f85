import { DataError } from "../core/graph/errors.ts";
import type { LookupMode } from "../core/state/vocabulary.ts";

/** Samples of strings: one each, or a list each. */
export type Strings = readonly string[] | readonly (readonly string[])[];

/** Numbers for a network, fit to be inputs of a data set. */
export interface EncodedStrings {
  /** The numbers, row by row. */
  readonly data: Float32Array<ArrayBuffer>;
  /** `[samples, ...features]`. */
  readonly shape: readonly number[];
}

/** A list for each sample. */
export function listsOf<Item extends string | number>(
  values: readonly Item[] | readonly (readonly Item[])[],
): readonly (readonly Item[])[] {
  return values.map((value) => Array.isArray(value) ? value as readonly Item[] : [value as Item]);
}

/**
 * Rows of ids as numbers for a network; an id below 0 counts nowhere.
 *
 * @param action What is done, for messages.
 * @param noun What it is done to.
 */
export function encodeRows(
  action: string,
  noun: string,
  rows: readonly (readonly number[])[],
  mode: LookupMode,
  width: number,
  weights: readonly number[] | undefined,
): EncodedStrings {
  const length = rows[0]?.length ?? 0;
  const wrong = rows.findIndex((row) => row.length !== length);
  if (mode === "int" || mode === "oneHot") {
    if (wrong >= 0) {
      throw new DataError(
        `Cannot ${action} ${noun} as outputMode ${mode} needs lists of one length: received ` +
          `${rows[wrong].length} ${noun} in sample ${wrong} and ${length} in the first`,
        { row: wrong + 1 },
      );
    }
    if (mode === "int") {
      return { data: Float32Array.from(rows.flat()), shape: [rows.length, length] };
    }
    const data = new Float32Array(rows.length * length * width);
    rows.flat().forEach((id, place) => id >= 0 && (data[place * width + id] = 1));
    return { data, shape: [rows.length, ...(length === 1 ? [] : [length]), width] };
  }
  const data = new Float32Array(rows.length * width);
  rows.forEach((row, place) => {
    const sums = new Float64Array(width);
    for (const id of row) {
      if (id < 0) continue;
      sums[id] = mode === "multiHot" ? 1 : sums[id] + (mode === "tfIdf" ? weights![id] : 1);
    }
    data.set(sums, place * width);
  });
  return { data, shape: [rows.length, width] };
}
