import { DataError } from "../core/graph/errors.ts";

/** The inputs of a data set, in the type they are stored in. */
export interface StoredInputs {
  /** Every sample's features, row-major; bytes stay bytes and are converted on the device. */
  readonly data: Uint8Array | Float32Array;
  /** `[samples, ...features]`, e.g. `[60000, 784]`; its product is `data.length`. */
  readonly shape: readonly number[];
  /** Factor of the value a model sees, `data * scale + offset`; default 1. */
  readonly scale?: number;
  /** Term of the value a model sees, `data * scale + offset`; default 0. */
  readonly offset?: number;
}

/** The targets of a data set, in the type they are stored in. */
export interface StoredTargets {
  /** Class ids as integers, or values as float32, row-major. */
  readonly data: Uint8Array | Int32Array | Float32Array;
  /** `[samples]` for class ids, `[samples, outputs]` for values; its product is `data.length`. */
  readonly shape: readonly number[];
}

/**
 * An in-memory data set: inputs and targets of the same number of samples.
 *
 * Build one from arrays with {@linkcode arrays}, from files with {@linkcode loadIdxDataSet} or
 * {@linkcode csvDataSet}, or write the record by hand.
 */
export interface DataSet {
  /** Inputs, `[samples, ...features]`, uint8 or float32. */
  readonly x: StoredInputs;
  /** Targets, `[samples]` of class ids or `[samples, outputs]` of values. */
  readonly y: StoredTargets;
  /** How much each sample counts, `[samples]`, at least 0; by default each counts once. */
  readonly sampleWeight?: Float32Array;
  /** Number of classes, when the targets are classes. */
  readonly classes?: number;
  /** Name for logs. */
  readonly name?: string;
}

/**
 * Counts the samples of a data set.
 *
 * @param dataSet Any data set.
 * @returns The number of samples, the first dimension of its inputs.
 *
 * @example
 * ```ts
 * import assert from "node:assert/strict";
 * import { arrays, sampleCount } from "@millrace/millrace";
 *
 * assert.equal(sampleCount(arrays([[0, 1], [1, 0], [1, 1]], [1, 1, 0])), 3);
 * ```
 */
export function sampleCount(dataSet: DataSet): number {
  return dataSet.x.shape[0];
}

/**
 * Takes the first samples of a data set, without copying them.
 *
 * @param dataSet Any data set.
 * @param count How many samples, 1 to the number there are.
 * @returns A data set of the first `count` samples, sharing memory with `dataSet`.
 * @throws {RangeError} If `count` is not an integer from 1 to the number of samples.
 *
 * @example
 * ```ts
 * import assert from "node:assert/strict";
 * import { arrays, takeFirst } from "@millrace/millrace";
 *
 * const all = arrays([[1], [2], [3]], [10, 20, 30]);
 * assert.deepEqual([...takeFirst(all, 2).y.data], [10, 20]);
 * ```
 */
export function takeFirst(dataSet: DataSet, count: number): DataSet {
  const samples = sampleCount(dataSet);
  if (!Number.isInteger(count) || count < 1 || count > samples) {
    throw new RangeError(
      `Cannot take the first samples as their number must be an integer from 1 to ${samples}: ` +
        `received ${count}`,
    );
  }
  return sliceSamples(dataSet, 0, count);
}

/**
 * Takes the samples from `start` (included) to `end` (excluded), without copying them.
 *
 * @param dataSet Any data set.
 * @param start First sample, 0 or more.
 * @param end One past the last sample, at most the number of samples.
 * @returns A data set sharing memory with `dataSet`.
 */
export function sliceSamples(dataSet: DataSet, start: number, end: number): DataSet {
  const rows = <Data extends StoredTargets["data"]>(
    part: { readonly data: Data; readonly shape: readonly number[] },
  ): { data: Data; shape: number[] } => {
    const size = part.data.length / part.shape[0];
    return {
      data: part.data.subarray(start * size, end * size) as Data,
      shape: [end - start, ...part.shape.slice(1)],
    };
  };
  return {
    ...dataSet,
    x: { ...dataSet.x, ...rows(dataSet.x) },
    y: { ...dataSet.y, ...rows(dataSet.y) },
    ...(dataSet.sampleWeight && { sampleWeight: dataSet.sampleWeight.subarray(start, end) }),
  };
}

/**
 * The weights of a data set's samples.
 *
 * @param dataSet Any data set.
 * @returns One weight a sample, or `null` when it has none.
 * @throws {DataError} When there are not as many as samples, or one is negative or not finite.
 */
export function sampleWeightOf(dataSet: DataSet): Float32Array | null {
  const { sampleWeight } = dataSet;
  if (!sampleWeight) return null;
  const samples = sampleCount(dataSet);
  if (sampleWeight.length !== samples) {
    throw new DataError(
      `Cannot weight the samples as each needs one weight: received ${sampleWeight.length} ` +
        `weights for ${samples} samples`,
    );
  }
  const wrong = sampleWeight.findIndex((weight) => !(weight >= 0 && weight < Infinity));
  if (wrong < 0) return sampleWeight;
  throw new DataError(
    `Cannot weight the samples as weights must be finite and at least 0: received ` +
      `${sampleWeight[wrong]} at sample ${wrong}`,
    { row: wrong + 1 },
  );
}
