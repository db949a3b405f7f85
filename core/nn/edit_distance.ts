/**
 * How many labels must be put in, taken out or exchanged to make one sequence of another.
 *
 * Divided by the length of the second one it is the error rate of words or characters.
 *
 * @param found A sequence.
 * @param wanted Another one.
 * @returns The number of changes.
 *
 * @example
 * ```ts
 * import { editDistance } from "@millrace/millrace";
 * import assert from "node:assert/strict";
 *
 * assert.equal(editDistance([..."kitten"], [..."sitting"]), 3);
 * assert.equal(editDistance([], [1, 2]), 2);
 * ```
 *
 * Source: V. Levenshtein, 1966. TensorFlow: `tf.edit_distance` without its division.
 */
export function editDistance<Label>(found: readonly Label[], wanted: readonly Label[]): number {
  let row = Array.from({ length: wanted.length + 1 }, (_, place) => place);
  found.forEach((label, place) => {
    const next = [place + 1];
    wanted.forEach((other, at) => {
      next.push(Math.min(next[at] + 1, row[at + 1] + 1, row[at] + Number(label !== other)));
    });
    row = next;
  });
  return row[wanted.length];
}
