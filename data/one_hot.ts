import { DataError } from "../core/graph/errors.ts";
import { checkClasses } from "./check_classes.ts";

/** Rows of zeros with a single one. */
export interface OneHot {
  /** The rows, row-major, float32. */
  readonly data: Float32Array;
  /** `[samples, classes]`. */
  readonly shape: readonly [number, number];
}

/**
 * Turns class ids into one-hot rows (Keras: `to_categorical`).
 *
 * @param labels Class ids, `[samples]`, integers from 0 to `classes - 1`.
 * @param classes Number of classes; default the largest id plus one.
 * @returns Rows of float32, `[samples, classes]`, fit to be a data set's targets.
 * @throws {DataError} If a label is not an integer from 0 to `classes - 1`; `row` says which.
 * @throws {RangeError} If `classes` is not an integer from 1.
 *
 * @example
 * ```ts
 * import assert from "node:assert/strict";
 * import { toCategorical } from "@millrace/millrace";
 *
 * assert.deepEqual([...toCategorical([2, 0], 3).data], [0, 0, 1, 1, 0, 0]);
 * ```
 */
export function toCategorical(labels: ArrayLike<number>, classes?: number): OneHot {
  if (classes !== undefined && !(Number.isInteger(classes) && classes >= 1)) {
    throw new RangeError(
      `Cannot encode the labels as classes must be an integer from 1: received ${classes}`,
    );
  }
  checkClasses(labels, classes);
  let width = classes ?? 0;
  if (classes === undefined) {
    for (let i = 0; i < labels.length; i++) width = Math.max(width, labels[i] + 1);
  }
  const data = new Float32Array(labels.length * width);
  for (let i = 0; i < labels.length; i++) data[i * width + labels[i]] = 1;
  return { data, shape: [labels.length, width] };
}

/**
 * Turns named categories into one-hot rows.
 *
 * @param values A category for each sample, e.g. `["Red", "Red", "Yellow"]`.
 * @param categories The columns, in order, each once; default the values' own, in order of first
 * appearance.
 * @returns Rows of float32, `[samples, categories]`, and the categories of the columns.
 * @throws {DataError} If a value is not among `categories` (`row` says which), or a category stands
 * there twice.
 *
 * @example
 * ```ts
 * import assert from "node:assert/strict";
 * import { oneHotEncode } from "@millrace/millrace";
 *
 * const { data, categories } = oneHotEncode(["Red", "Green", "Red"], ["Red", "Yellow", "Green"]);
 * assert.deepEqual([...data], [1, 0, 0, 0, 0, 1, 1, 0, 0]);
 * assert.deepEqual(categories, ["Red", "Yellow", "Green"]);
 * ```
 */
export function oneHotEncode(
  values: readonly string[],
  categories: readonly string[] = [...new Set(values)],
): OneHot & { readonly categories: readonly string[] } {
  const ids = categoryIds(values, categories);
  return { ...toCategorical(ids, Math.max(categories.length, 1)), categories };
}

/**
 * Numbers named categories by their place in a list.
 *
 * @param values A category for each sample.
 * @param categories The categories, in order, each once.
 * @returns The place of each value's category, from 0.
 * @throws {DataError} As {@linkcode oneHotEncode} does.
 */
export function categoryIds(
  values: readonly string[],
  categories: readonly string[],
): Int32Array {
  const places = new Map(categories.map((category, place) => [category, place]));
  if (places.size !== categories.length) {
    const twice = categories.find((category, i) => categories.indexOf(category) !== i);
    throw new DataError(
      `Cannot encode the categories as each must stand once: received ${
        JSON.stringify(twice)
      } twice`,
    );
  }
  return Int32Array.from(values, (value, i) => {
    const place = places.get(value);
    if (place === undefined) {
      throw new DataError(
        `Cannot encode the categories as each value must be one of ${
          JSON.stringify(categories)
        }: ` +
          `received ${JSON.stringify(value)} at index ${i}`,
        { row: i + 1 },
      );
    }
    return place;
  });
}
