import type { StoredTargets } from "../../data/data_set.ts";
import { DataError } from "../graph/errors.ts";
import type { Tensor } from "../graph/tensor.ts";

/** What the class ids of targets must be. */
export interface ClassIds {
  /** The loss or metric that takes them, for messages. */
  readonly by: string;
  /** How many classes the outputs have. */
  readonly classes: number;
  /** Labels that stand for none of them. */
  readonly ignored: readonly number[];
}

/** Targets that a loss or a metric takes as class ids. */
export interface LabelUse extends ClassIds {
  /** The targets. */
  readonly targets: Tensor;
}

/**
 * Refuses stored labels that are no class for a loss or a metric.
 *
 * @param uses What takes labels.
 * @param check Refuses those of some targets, if they are stored.
 * @throws {DataError} at the first that is none.
 */
export function checkLabelUses(
  uses: readonly LabelUse[],
  check: (targets: Tensor, ids: ClassIds) => void,
): void {
  for (const { targets, ...ids } of uses) check(targets, ids);
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
  { by, classes, ignored }: ClassIds,
  sampleOf: (row: number) => number = (row) => row,
): void {
  for (let at = 0; at < data.length; at++) {
    const id = data[at];
    if ((id >= 0 && id < classes && Number.isInteger(id)) || ignored.includes(id)) continue;
    const sample = sampleOf(Math.floor(at / (data.length / shape[0])));
    throw new DataError(
      `Cannot compare targets with outputs by ${by} as labels must be whole numbers from 0 to ` +
        `${classes - 1}${
          ignored.map((label) => ` or ${label}`).join("")
        }: received ${id} at sample ` +
        `${sample} (number the classes from 0, and give the last layer a unit for each)`,
      { row: sample + 1 },
    );
  }
}
