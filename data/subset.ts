import {
  type DataSet,
  type Inputs,
  mapArrays,
  pickRows,
  sampleCount,
  type StoredTargets,
  type Targets,
} from "./data_set.ts";

/**
 * Takes the samples of given numbers, in their order: those that were hard, that an expert has
 * labelled, that a phase of a curriculum begins with, that a bootstrap has drawn.
 *
 * @param dataSet Any data set; one that reads its samples is read through the numbers.
 * @param samples Numbers of samples from 0, at least one; a number may come again.
 * @returns A data set of as many samples, a copy.
 * @throws {RangeError} If there is no number, or one is none of a sample.
 *
 * @example
 * ```ts
 * import assert from "node:assert/strict";
 * import { arrays, subset } from "@millrace/millrace";
 *
 * const all = arrays([[1], [2], [3]], [10, 20, 30]);
 * assert.deepEqual([...subset(all, [2, 0, 2]).y.data], [30, 10, 30]);
 * ```
 *
 * PyTorch: `Subset`.
 */
export function subset<X extends Inputs, Y extends Targets>(
  dataSet: DataSet<X, Y>,
  samples: Iterable<number>,
): DataSet<X, Y> {
  const count = sampleCount(dataSet);
  const numbers = [...samples];
  const wrong = numbers.find((number) =>
    !(Number.isInteger(number) && number >= 0 && number < count)
  );
  if (numbers.length === 0 || wrong !== undefined) {
    throw new RangeError(
      `Cannot take samples as their numbers must be one or more from 0 to ${count - 1}: received ` +
        `${wrong ?? "none"}`,
    );
  }
  if (dataSet.read) return pickRows(dataSet, numbers.length, (row) => numbers[row]);
  const rows = <Data extends StoredTargets["data"]>(data: Data): Data => {
    const size = data.length / count;
    const Type = data.constructor as Float32ArrayConstructor;
    const result = new Type(numbers.length * size) as Data;
    numbers.forEach((number, row) =>
      result.set(data.subarray(number * size, (number + 1) * size), row * size)
    );
    return result;
  };
  return mapArrays(dataSet, rows, numbers.length);
}
