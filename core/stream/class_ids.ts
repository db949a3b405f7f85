import type { StoredTargets } from "../../data/data_set.ts";
import { DataError } from "../graph/errors.ts";

/** What the class ids of targets must be. */
export interface ClassIds {
  /** The loss that takes them, for messages. */
  readonly loss: string;
  /** How many classes the outputs have. */
  readonly classes: number;
  /** A label that stands for none of them. */
  readonly ignored?: number;
}

/**
 * Refuses a label for which the outputs have no class: a device would take it for none, in silence.
 *
 * @param targets The targets.
 * @param ids What they must be.
 * @param sampleOf The number of the sample in a row.
 * @throws {DataError} at the first that is none.
 */
export function checkClassIds(
  { data, shape }: StoredTargets,
  { loss, classes, ignored }: ClassIds,
  sampleOf: (row: number) => number = (row) => row,
): void {
  for (let at = 0; at < data.length; at++) {
    const id = data[at];
    if ((id >= 0 && id < classes && Number.isInteger(id)) || id === ignored) continue;
    const sample = sampleOf(Math.floor(at / (data.length / shape[0])));
    throw new DataError(
      `Cannot compare targets with outputs by ${loss} as labels must be whole numbers from 0 to ` +
        `${classes - 1}${
          ignored === undefined ? "" : ` or ${ignored}`
        }: received ${id} at sample ` +
        `${sample} (number the classes from 0, and give the last layer a unit for each)`,
      { row: sample + 1 },
    );
  }
}
