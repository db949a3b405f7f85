import { DataError } from "../core/graph/errors.ts";
import { received } from "../core/state/received.ts";

/**
 * Checks that every target is a class id.
 *
 * @param ids The targets.
 * @param classes Number of classes; `undefined` for no upper bound.
 * @param file The file they came from, for messages.
 * @throws {DataError} At the first that is not an integer from 0 to `classes - 1`, with its row.
 */
export function checkClasses(
  ids: ArrayLike<number>,
  classes: number | undefined,
  file?: string,
): void {
  const bound = classes ?? Infinity;
  for (let i = 0; i < ids.length; i++) {
    const id = ids[i];
    if (!(id >= 0 && id < bound && Number.isInteger(id))) {
      const source = file === undefined ? "" : ` of "${file}"`;
      const range = classes === undefined ? "0 or more" : `0 to ${classes - 1}`;
      const advice = id >= bound ? " (set classes to the number of classes if there are more)" : "";
      throw new DataError(
        `Cannot use the labels${source} as each must be an integer from ${range}: received ${id} ` +
          `at index ${i}${advice}`,
        { file, row: i + 1 },
      );
    }
  }
}

/**
 * A number of classes, if it is one.
 *
 * @throws {RangeError} When it is given and no whole number from 1.
 */
export function checkedClasses(classes: number | undefined): number | undefined {
  if (classes === undefined || (Number.isInteger(classes) && classes >= 1)) return classes;
  throw new RangeError(
    `Cannot build a data set as classes must be an integer from 1: received ${received(classes)}`,
  );
}
